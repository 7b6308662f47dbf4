"""Drift: whether what comes in, and what comes out, is still what the model was made for."""
