"""Load on a twin that runs on the wall clock, measured from when each case was due."""
