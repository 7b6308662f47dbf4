"""What the API tells the live twin: cases, labels, orders, epochs."""
