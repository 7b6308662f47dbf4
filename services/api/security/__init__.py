"""Who may do what: keys, scopes, limits, and the log of who did what."""
