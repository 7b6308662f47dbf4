"""One piece of an experiment's work, wherever it runs: a pilot or a replication."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from services.experiments.records import write_log, write_records
from simulator.cases.bank import Bank
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
    records: str | None = None  # where its tables go: start of the files' paths
    bank: Bank | None = None  # that patients are drawn from, where the scenario has one


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What came out; its piece is without the bank, which need not travel back."""

    piece: Piece
    series: tuple[float, ...] = ()  # of a pilot
    result: Mapping[str, Any] | None = None  # of a replication


def do(piece: Piece) -> Done:
    """Run a piece; the same piece gives the same result on any core."""
    scenario = _loaded(piece.scenario)
    link = None
    if piece.bank is not None and piece.bank.scorer is not None:
        from simulator.clinic.bank_link import bank_link  # re-stacking, which others do without

        link = bank_link(scenario, piece.bank)
    journal = replicate(scenario, piece.replication, twin=link, bank=piece.bank)
    asked = replace(piece, bank=None)
    try:
        if piece.warmup_min is None:
            return Done(piece=asked, series=tuple(pilot(scenario, piece.replication, journal)))
        result = result_of(
            scenario,
            piece.replication,
            journal,
            warmup_min=piece.warmup_min,
            digest=None if link is None else link.digest(journal),
            alone=piece.alone,
            bank=piece.bank,
        )
        if piece.records is not None:
            write_records(journal, piece.records)
            if link is not None:
                write_log(link.log(journal), piece.records)
        return Done(piece=asked, result=result.as_dict())
    finally:
        journal.close()


@lru_cache(maxsize=16)
def _loaded(text: str) -> Scenario:
    return load(text, "scenario")
