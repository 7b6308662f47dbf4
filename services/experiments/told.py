"""What the routes of an experiment told, beside its results."""

from dataclasses import dataclass, field
from typing import Any

from services.pace import Pace
from simulator.clinic.journal import Latency


@dataclass(slots=True)
class Told:
    """Measured in real time or by the route; never part of a digest (law 5)."""

    model_id: str = ""
    pace: Pace = field(default_factory=Pace)
    latencies: list[Latency] = field(default_factory=list)
    mirrors: list[dict[str, Any]] = field(default_factory=list)
    restarts: dict[str, int] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    attached: list[dict[str, Any]] = field(default_factory=list)  # a run each on a live log
    nodes: dict[str, int] = field(default_factory=dict)  # pieces by node of a Ray cluster

    def note(
        self, mirror: dict[str, Any] | None, restarts: dict[str, int], degraded: list[str]
    ) -> None:
        """Take in what a route knew at its end; what several routes complain of is told once."""
        if mirror is not None:
            self.mirrors.append(mirror)
        for name, times in restarts.items():
            self.restarts[name] = self.restarts.get(name, 0) + times
        self.degraded += [one for one in degraded if one not in self.degraded]
