"""Reports of an experiment: HTML that opens offline, and Markdown for pull requests."""
