"""Futures of the twin that is up: its live state is forked and projected forward."""
