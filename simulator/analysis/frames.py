"""A run's tables as columns, cut to the window that is measured, with each patient's groups."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.clinic.journal import Journal
from simulator.clinic.pools import State
from simulator.clinic.tables import Table
from simulator.language.form import ScenarioForm
from simulator.language.metrics import groups
from simulator.language.periods import periods
from twin.groups import AGE_BAND_STARTS, GROUP_OF_TONE

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Codes = NDArray[np.int16]  # of a group; -1 where none is known

_BAND_EDGES: Final = AGE_BAND_STARTS[1:]  # years


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is measured: after the warm-up, and while patients come."""

    from_min: float
    to_min: float

    @property
    def span_min(self) -> float:
        """Its length."""
        return self.to_min - self.from_min

    def has(self, at_min: Floats) -> Mask:
        """Return which times lie in it."""
        return np.asarray((at_min >= self.from_min) & (at_min < self.to_min))

    def overlap_min(self, start_min: Floats, end_min: Floats) -> Floats:
        """Return how much of each spell lies in it; a spell without end lasts to its end."""
        end = np.where(np.isnan(end_min), self.to_min, end_min)
        within = np.minimum(end, self.to_min) - np.maximum(start_min, self.from_min)
        return np.asarray(np.maximum(0.0, within))


def window_of(scenario: ScenarioForm, journal: Journal, warmup_min: float) -> Window:
    """Return what is measured of a run: up to the horizon, or to its end where there is none.

    A clinic that is empty before the horizon is measured empty, too. Only where the patients ran
    out, since they are counted, there is nothing to measure after the last one has left.
    """
    end_min = journal.end_min
    if scenario.horizon_min is not None:
        ran_out = scenario.ran_out(journal.arrived)
        end_min = min(end_min, scenario.horizon_min) if ran_out else scenario.horizon_min
    return Window(min(warmup_min, end_min), end_min)


class Patients:
    """Columns of all patients, by number of arrival."""

    def __init__(self, scenario: ScenarioForm, journal: Journal) -> None:
        self._table = journal.patients
        self._place = self._table.column("patient").astype(np.int64)
        self._scenario = scenario
        self._words = {
            column: {code: word for word, code in known.items()}
            for column, known in journal.words.items()
        }
        self._known: dict[str, tuple[tuple[str, ...], Codes]] | None = None

    def __len__(self) -> int:
        return len(self._place)

    def column(self, name: str) -> Floats:
        """Return a column, shape (patients,), in order of arrival."""
        values = np.empty(len(self))
        values[self._place] = self._table.column(name)
        return values

    def words(self, name: str) -> list[str]:
        """Return a column of words in order of arrival; "" where nothing is known."""
        known = self._words[name]
        return ["" if math.isnan(code) else known[int(code)] for code in self.column(name).tolist()]

    def lacks(self) -> Mask:
        """Return which patients were answered without some of the learners, shape (patients,)."""
        return np.array([bool(word) for word in self.words("missing")], dtype=np.bool_)

    def groups(self) -> Iterator[tuple[str, str, Mask]]:
        """Yield key, value, and which patients belong to that group."""
        for key, (values, codes) in self._codes().items():
            for code, value in enumerate(values):
                yield key, value, codes == code

    def _codes(self) -> dict[str, tuple[tuple[str, ...], Codes]]:
        if self._known is None:
            self._known = {}
            for key, values in groups(self._scenario).items():
                found = self._of(key, values)
                if found is not None:
                    self._known[key] = found
        return self._known

    def _of(self, key: str, values: tuple[str, ...]) -> tuple[tuple[str, ...], Codes] | None:
        if key in {"truth", "flagged"}:
            raw = self.column("malignant" if key == "truth" else "flagged")
            return values, _coded(np.isnan(raw), np.where(raw > 0, 0, 1))
        if key == "age_band":
            age = self.column("age")
            return values, _coded(np.isnan(age), np.searchsorted(_BAND_EDGES, age, side="right"))
        if key == "period":
            begins = [period.from_min for period in periods(self._scenario)]
            at_min = self.column("arrival_min")
            return values, _coded(np.isnan(at_min), np.searchsorted(begins, at_min, "right") - 1)
        if key == "missing":
            return values, _coded(
                np.isnan(self.column("p_malignant")), np.where(self.lacks(), 0, 1)
            )
        raw = self.column(key)
        if key == "stack":
            return _versions(raw)
        words = self._words[key]
        if key in {"site", "diagnosis"}:
            values = tuple(sorted(words.values()))
        group = {word: word for word in words.values()}
        if key == "skin_tone":
            group = GROUP_OF_TONE
        place = {value: code for code, value in enumerate(values)}
        table = np.array([place.get(group[words[c]], -1) for c in range(len(words))] or [-1])
        unknown = np.isnan(raw)
        codes = table[np.where(unknown, 0, raw).astype(np.int64)]
        return (values, _coded(unknown, codes)) if values else None


def _versions(raw: Floats) -> tuple[tuple[str, ...], Codes] | None:
    known = np.unique(raw[~np.isnan(raw)])
    if not len(known):
        return None
    codes = np.searchsorted(known, np.nan_to_num(raw))
    return tuple(f"{one:.0f}" for one in known.tolist()), _coded(np.isnan(raw), codes)


def _coded(unknown: Mask, codes: NDArray[np.int64]) -> Codes:
    return np.where(unknown, -1, codes).astype(np.int16)


class Visits:
    """Columns of one node's visits."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.patient = table.column("patient").astype(np.int64)
        self.queued_min = table.column("queued_min")
        self.outcome = table.column("outcome").astype(np.int8)

    def column(self, name: str) -> Floats:
        """Return a column of the table."""
        return self.table.column(name)

    def was(self, state: State) -> Mask:
        """Return which visits ended so."""
        return np.asarray(self.outcome == state)
