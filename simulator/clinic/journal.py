"""What a run leaves behind: one record a patient, the events it emitted, and telemetry."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.events import CaseArrived, CaseRead


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One patient at one staffed node."""

    queued_min: float  # joined the queue
    start_min: float  # service began
    end_min: float  # service ended

    @property
    def wait_min(self) -> float:
        """Time in the queue."""
        return self.start_min - self.queued_min


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """One closed case as only the simulator knows it: with its truth (law 8)."""

    case_id: str
    arrival_min: float
    visits: Mapping[str, Visit]  # by node, in the order of the pathway
    closed_min: float  # left the clinic
    malignant: bool  # the truth
    diagnosis: str | None
    p_malignant: float | None  # the twin's probability; None if it gave no verdict
    ai_malignant: bool | None  # the twin's verdict at its threshold; None likewise
    rejected: str | None  # why the twin gave no verdict
    referred: bool  # the reader's decision
    age: int | None = None  # years
    sex: str | None = None
    site: str | None = None
    skin_tone: str | None = None  # Fitzpatrick type

    def as_row(self) -> dict[str, object]:
        """Return the record flat, one column per value, as tables want it."""
        row = {name: getattr(self, name) for name in self.__slots__ if name != "visits"}
        for node, visit in self.visits.items():
            row[f"{node}_queued_min"] = visit.queued_min
            row[f"{node}_start_min"] = visit.start_min
            row[f"{node}_end_min"] = visit.end_min
            row[f"{node}_wait_min"] = visit.wait_min
        return row


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long the twin took in real time. Telemetry: beside the log, never in it (law 5)."""

    case_id: str
    intended_s: float  # when the case was due to be sent, on the wall clock since the run's start
    answered_s: float  # when its answer was seen, likewise

    @property
    def latency_ms(self) -> float:
        """From the intended send time, so that a late sender hides nothing."""
        return (self.answered_s - self.intended_s) * 1000


@dataclass(slots=True, kw_only=True)
class Journal:
    """The story of a run so far; the engine appends to it."""

    records: list[CaseRecord] = field(default_factory=list)  # in order of closing
    events: list[CaseArrived | CaseRead] = field(default_factory=list)  # in event order
    latencies: list[Latency] = field(default_factory=list)  # real clock only

    def as_csv(self) -> str:
        """Return the records as CSV, a row per patient in order of closing, with a header."""
        rows = [record.as_row() for record in self.records]
        text = io.StringIO()
        writer = csv.DictWriter(text, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        return text.getvalue()
