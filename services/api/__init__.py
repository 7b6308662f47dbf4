"""The status API: what the live twin is and does, for people and programs."""
