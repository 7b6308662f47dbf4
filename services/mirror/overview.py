"""What a status needs of a mirror, without the cases."""

from collections.abc import Mapping
from dataclasses import dataclass

from twin.state import TwinState


@dataclass(frozen=True, slots=True)
class Overview:
    """The mirror at a glance."""

    state: TwinState  # without cases
    updated_unix_s: float | None  # when the mirror last wrote; None if it never did
    # When it last folded something new of each kind; what that was about may be older.
    news_unix_s: Mapping[str, float]
    complete_unix_s: float | None = None  # everything sent before is folded
