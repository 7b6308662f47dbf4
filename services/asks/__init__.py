"""Explanations on demand: who serves people asks the process that has the actors, over Redis."""
