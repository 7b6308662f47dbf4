"""The six base learners: one file each (both sklearn forests share one), one table of all."""
