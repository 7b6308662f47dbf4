"""Experiments: points and replications run, kept, resumed, and summed up."""
