"""Synthetic dermoscopy: a recipe, and the picture that it makes."""
