"""The contract of every component of the twin, wherever it runs.

A component handles batches and describes itself. Handling is a pure function of the batch and
of the artefact it was built from: it keeps no state but its counts, mutates nothing that it is
given, and answers an empty batch with an empty answer. `tests/unit/actors` runs one suite of
these checks over every component.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

from twin.meter import Work

In_contra = TypeVar("In_contra", contravariant=True)
Out_co = TypeVar("Out_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a component says of itself. Durations are telemetry: they never enter the log."""

    name: str
    model_id: str
    pid: int  # process that hosts it
    load_s: float  # from constructor to ready
    rss_mb: float  # resident memory of that process
    work: Work  # what it has handled since it started

    def numbers(self) -> dict[str, float]:
        """Return the figures of the telemetry event, by name and unit."""
        return {
            "pid": float(self.pid),
            "load_s": round(self.load_s, 3),
            "rss_mb": round(self.rss_mb, 1),
            **self.work.numbers(),
        }


class Component(Protocol[In_contra, Out_co]):
    """A stem, a learner or a meta-learner."""

    name: str

    def handle(self, batch: In_contra) -> Out_co:
        """Return the component's answer to a batch."""
        ...

    def describe(self) -> Facts:
        """Return what the component is and has done."""
        ...
