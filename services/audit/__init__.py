"""What must not be believed of a score on a directory of images, and why."""
