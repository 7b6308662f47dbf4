"""`dermtwin run --attach`: a scenario's cases go to the twin that is up."""
