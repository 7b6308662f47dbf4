"""Re-stacking: labels in, a better stack out, and nothing unproven in force."""
