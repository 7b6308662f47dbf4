"""The live twin as the API knows it: the mirror's changes, followed and kept for a while."""
