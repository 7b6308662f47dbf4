"""What happens to the twin: scenarios, populations and simulated time."""
