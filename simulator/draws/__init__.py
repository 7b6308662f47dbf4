"""Randomness: keyed streams and the distributions that turn uniform numbers into durations."""
