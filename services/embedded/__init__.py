"""Servers that come with the program: Tansu and Valkey, started, watched and ended."""
