"""The commands of the command line, one module each; `services/cli.py` binds them."""
