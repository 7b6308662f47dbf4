"""What is wrong with, or other about, how an image was taken. Part of its reference."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

SEVERITIES: Final = range(1, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Acquisition:
    """Acquisition shifts of one image: the same ones give the same pixels."""

    seed: int  # of all that is random about them
    severity: dict[str, int] = field(hash=False)  # by shift, 1 to 5


def fault_of(acquisition: Acquisition, known: Collection[str]) -> str:
    """Return what no host could apply, or nothing. Acquisitions come from outside, in events.

    >>> fault_of(Acquisition(seed=1, severity={"defocus": 6}), ["defocus"])
    'severity 6 of defocus is not within 1 and 5'
    """
    for name, severity in acquisition.severity.items():
        if name not in known:
            return f"no acquisition shift {name!r}"
        if severity not in SEVERITIES:
            return f"severity {severity} of {name} is not within 1 and 5"
    return ""
