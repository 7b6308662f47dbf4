"""The topics of a twin."""

from typing import Final

TOPICS: Final = ("cases", "verdicts", "feedback", "stacks", "components", "dead-letters")
MIRRORED: Final = ("cases", "verdicts", "feedback", "stacks", "components")  # what is folded
