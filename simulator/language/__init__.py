"""The scenario language: YAML in, one sound `Scenario` or one clear error out."""
