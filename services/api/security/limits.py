"""How much of everything one who asks may have."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_MB = 1_000_000


def _uploads() -> Mapping[str, int]:
    return MappingProxyType({"/v1/cases": 12 * _MB})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A token bucket: so many at once, and so many a second after that."""

    per_s: float
    burst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Assumptions, all of them: one slow core answers about a thousand reads a second."""

    reads: Rate = Rate(per_s=1_000, burst=2_000)
    submissions: Rate = Rate(per_s=50, burst=100)
    failures: Rate = Rate(per_s=10 / 60, burst=10)
    buckets: int = 10_000  # principals and addresses remembered; about 200 bytes each
    body_bytes: int = 1 * _MB
    uploads: Mapping[str, int] = field(default_factory=_uploads)  # path prefix -> bytes
    body_s: float = 30.0  # for the whole body
    streams: int = 256  # event streams in all
    streams_of_loopback: int = 256
    streams_of_key: int = 16
    stream_retry_s: int = 5  # when one who was refused a stream may ask again
