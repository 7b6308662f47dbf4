"""What a run leaves behind: tables of patients and visits, the events emitted, and telemetry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from simulator.clinic.person import Person
from simulator.clinic.pools import Pool
from simulator.clinic.tables import Table
from simulator.clinic.upstream import Upstream
from twin.events import CaseArrived, CaseClosed, EpochReached, FeedbackReceived, StackEvent

# A row for each patient, in order of leaving; those still inside at the end follow. Words are
# numbers of the journal's `words`; what is not known is not-a-number.
PATIENT_COLUMNS: Final = (
    "patient",
    "key",
    "class",
    "arrival_min",
    "due_min",
    "closed_min",
    "left_early",
    "malignant",
    "diagnosis",
    "p_malignant",
    "flagged",
    "rejected",
    "referred",
    "diagnosed_min",
    "age",
    "sex",
    "site",
    "skin_tone",
)
WORDS: Final = ("class", "diagnosis", "rejected", "sex", "site", "skin_tone")  # columns of words
SHIFTS: Final = "shifts"  # the column, and words, of the shifts that patients are in
BANK_ENTRY: Final = "bank_entry"  # the column of the entries that patients were drawn from
# Columns of who answered and what came back: version of the stack, learners that were missing,
# joined by "+", and the label that the twin has at the end of the run: 1 malignant, 0 benign.
LOOP_COLUMNS: Final = ("stack", "missing", "label", "labelled_min", "way")
LOOP_WORDS: Final = ("missing", "way")
# What a patient need not have; the columns from there on have the names of a person's attributes.
_FACTS: Final = PATIENT_COLUMNS[PATIENT_COLUMNS.index("malignant") :]
_WORDS: Final = frozenset([*WORDS, SHIFTS, *LOOP_WORDS])
_NAN: Final = float("nan")


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


@dataclass(frozen=True, slots=True)
class Areas:
    """A staff group's time, measured while the run went on."""

    busy_min: float  # person-minutes of work
    duty_min: float  # person-minutes on duty, overtime included


@dataclass(slots=True, kw_only=True)
class Journal:
    """The story of a run so far; the engine writes it."""

    # Whether the scenario has shifts: only then there is a column that names each patient's. So
    # runs without keep their digest.
    shifted: bool = False
    # Whether patients are drawn from a bank: only then there is a column with each one's entry.
    banked: bool = False
    # Whether anything comes back to the twin, or changes it: only then there are columns of it.
    looped: bool = False
    patients: Table = field(init=False)
    visits: Mapping[str, Table] = field(default_factory=dict)  # by staffed node, at the end
    words: dict[str, dict[str, int]] = field(init=False)  # by column of words
    upstream: Upstream | None = None  # who did not come, where not everybody does
    # Where a twin is told.
    events: list[CaseArrived | CaseClosed | FeedbackReceived | EpochReached] = field(
        default_factory=list
    )
    stack_events: list[StackEvent] = field(default_factory=list)  # decisions, in their order
    latencies: list[Latency] = field(default_factory=list)  # real clock only
    arrived: int = 0  # patients
    end_min: float = 0.0  # when the run ended
    areas: Mapping[str, float] = field(default_factory=dict)  # node -> patient-minutes there
    staff: Mapping[str, Areas] = field(default_factory=dict)

    _facts: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        shifts = (SHIFTS,) if self.shifted else ()
        more = (*shifts, *((BANK_ENTRY,) if self.banked else ()))
        more = (*more, *(LOOP_COLUMNS if self.looped else ()))
        self.patients = Table((*PATIENT_COLUMNS, *more))
        self.words = {name: {} for name in (*WORDS, *shifts, *(LOOP_WORDS if self.looped else ()))}
        self._facts = (*_FACTS, *more)

    def note(self, person: Person, closed_min: float | None, *, gave_up: bool) -> None:
        """Write a patient's row; `closed_min` is None for one who is still inside."""
        known = person.__dict__  # empty where the question is one of queues alone
        due_min = known.get("due_min") if known else None
        classes = self.words["class"]
        row = [
            person.number,
            person.key,
            classes.setdefault(person.patient_class, len(classes)),
            person.at_min,
            _NAN if due_min is None else due_min,
            _NAN if closed_min is None else closed_min,
            gave_up,
        ]
        if known:
            for name in self._facts:
                value = known.get(name)
                if value is None:
                    value = _NAN
                elif name in _WORDS:
                    words = self.words[name]
                    value = words.setdefault(value, len(words))
                row.append(value)
        self.patients.add(row)

    def label(self, labels: Mapping[int, FeedbackReceived]) -> None:
        """Write into the rows of patients, by number, the messages that count in the end."""
        ways = self.words["way"]
        rows = {
            number: (
                float(one.label == "malignant"),
                one.at_min,
                ways.setdefault(one.way, len(ways)),
            )
            for number, one in labels.items()
        }
        columns = ("label", "labelled_min", "way")
        self.patients = self.patients.filled("patient", columns, rows)

    def settle(
        self,
        end_min: float,
        *,
        tables: Mapping[str, Table],
        areas: Mapping[str, float],
        pools: Mapping[str, Pool],
    ) -> None:
        """Take over what the stations wrote, at the end of the run."""
        self.end_min = end_min
        self.visits = dict(tables)
        self.areas = dict(areas)
        self.staff = {n: Areas(pool.busy_area, pool.duty_area) for n, pool in pools.items()}

    def close(self) -> None:
        """Give back the files of long tables."""
        for table in (self.patients, *self.visits.values()):
            table.close()
        if self.upstream is not None:
            self.upstream.table.close()
