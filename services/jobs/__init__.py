"""Runs and forecasts as jobs: processes of their own, whose state is in their folders."""
