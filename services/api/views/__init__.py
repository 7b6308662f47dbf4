"""The state as the API tells it: plain data made of the history, and nothing else."""
