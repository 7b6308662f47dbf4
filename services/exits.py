"""The exit codes of the command line."""

import enum


class Exit(enum.IntEnum):
    """Exit codes; 130 is Ctrl-C."""

    OK = 0  # and all gates pass
    ERROR = 1
    INVALID = 2  # the scenario, an option or an environment variable is not valid
    GATE_FAILED = 3
    INCONCLUSIVE = 4  # a gate's interval straddles its bound
    NOT_EQUAL = 5  # a mirror is not what its log leads to
