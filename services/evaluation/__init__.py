"""Evaluation without leakage: views of a test set, nested cross-validation, and what they mean."""
