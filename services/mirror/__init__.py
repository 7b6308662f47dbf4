"""The mirror: the loop that folds the log, and where the state is kept."""
