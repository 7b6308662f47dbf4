"""One piece of an experiment's work, wherever it runs: a pilot or a replication."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from services.experiments.records import patients_csv, visits_csv
from simulator.experiment.replicate import pilot, replicate, result_of
from simulator.language.scenario import load
from simulator.language.schema import Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What to run. Plain data, so that it can be sent to another process."""

    scenario: str  # resolved
    replication: int
    warmup_min: float | None  # None: a pilot, for the warm-up
    alone: bool = False  # the only replication
    records: bool = False  # whether its tables are wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came out."""

    piece: Piece
    series: tuple[float, ...] = ()  # of a pilot
    result: Mapping[str, Any] | None = None  # of a replication
    patients: bytes | None = None  # its tables as CSV
    visits: bytes | None = None


def do(piece: Piece) -> Done:
    """Run a piece; the same piece gives the same result on any core."""
    scenario = _loaded(piece.scenario)
    journal = replicate(scenario, piece.replication)
    try:
        if piece.warmup_min is None:
            return Done(piece=piece, series=tuple(pilot(scenario, piece.replication, journal)))
        result = result_of(
            scenario,
            piece.replication,
            journal,
            warmup_min=piece.warmup_min,
            alone=piece.alone,
        )
        tables = (patients_csv(journal), visits_csv(journal)) if piece.records else (None, None)
        return Done(piece=piece, result=result.as_dict(), patients=tables[0], visits=tables[1])
    finally:
        journal.close()


@lru_cache(maxsize=16)
def _loaded(text: str) -> Scenario:
    return load(text, "scenario")
