"""The paper's results section on a user's copy of the data, made in steps that outlive a Ctrl-C."""
