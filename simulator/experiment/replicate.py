"""One replication from the scenario to its result."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.analysis.frames import Visits, window_of
from simulator.analysis.intervals import Interval, batch_interval
from simulator.analysis.measure import measure
from simulator.analysis.verification import check_run
from simulator.cases.bank import Bank
from simulator.cases.datasets import LabelledImage
from simulator.clinic.clocks import Clock
from simulator.clinic.engine import Engine, TwinLink
from simulator.clinic.journal import Journal
from simulator.clinic.people import People
from simulator.clinic.pools import State
from simulator.experiment.curves import curves_of, warmup_series
from simulator.experiment.digests import digest_of
from simulator.experiment.loop_data import loop_of
from simulator.experiment.result import ReplicationResult
from simulator.language.schema import Scenario

PILOT_SPELLS: Final = 2000  # spells of the series that the warm-up is read off: assumption


def replicate(
    scenario: Scenario,
    replication: int,
    *,
    twin: TwinLink | None = None,
    images: Sequence[LabelledImage] = (),
    bank: Bank | None = None,
    clock: Clock | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Journal:
    """Run one replication; return what it left behind.

    Parameters:
        clock: in the place of the scenario's own.
    """
    patients = People(scenario, replication, images, bank)
    engine = Engine(scenario, replication, patients, twin, clock=clock, on_progress=on_progress)
    return engine.run()


def result_of(
    scenario: Scenario,
    replication: int,
    journal: Journal,
    *,
    warmup_min: float,
    digest: str | None = None,
    alone: bool = False,
    bank: Bank | None = None,
) -> ReplicationResult:
    """Return what is kept of a replication.

    Parameters:
        warmup_min: is left out of all figures.
        digest: of the event log, where a twin was asked; else that of the journal's tables.
        alone: whether there are no others: then mean waits get an interval by batch means.
        bank: that patients were drawn from, where the scenario has one.
    """
    measured = measure(scenario, journal, warmup_min)
    return ReplicationResult(
        replication=replication,
        digest=digest or digest_of(journal),
        from_min=measured.window.from_min,
        to_min=measured.window.to_min,
        end_min=journal.end_min,
        values=measured.values,
        counts=measured.counts,
        ratios=measured.ratios,
        missing=measured.missing,
        checks=check_run(scenario, journal),
        curves=curves_of(scenario, journal, warmup_min),
        alone=_batch_means(scenario, journal, warmup_min) if alone else {},
        loop=loop_of(scenario, journal, warmup_min, bank=bank),
    )


def pilot(
    scenario: Scenario, replication: int, journal: Journal | None = None
) -> NDArray[np.float64]:
    """Return the series of one replication that the warm-up is read off."""
    return warmup_series(scenario, journal or replicate(scenario, replication), PILOT_SPELLS)


def _batch_means(scenario: Scenario, journal: Journal, warmup_min: float) -> dict[str, Interval]:
    """Return intervals of the mean waits, over those served in the order of queueing."""
    window = window_of(scenario, journal, warmup_min)
    found = {}
    for name, table in journal.visits.items():
        visits = Visits(table)
        served = visits.was(State.DONE) & window.has(visits.queued_min)
        order = np.argsort(visits.queued_min[served], kind="stable")
        waited_min = visits.column("waited_min")[served][order]
        if len(waited_min):
            confidence = scenario.replications.confidence
            found[f"wait.{name}.mean"] = batch_interval(waited_min.tolist(), confidence)
    return found
