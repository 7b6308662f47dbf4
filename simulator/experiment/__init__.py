"""Many runs of a scenario: replications, sweep points, their aggregate, and what must hold."""
