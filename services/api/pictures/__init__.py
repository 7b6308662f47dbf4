"""Pictures of cases, made in a process of their own."""
