"""Faults on a twin's real processes: carried out, undone, recovered from, and audited."""
