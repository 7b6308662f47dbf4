"""Clinics with a bank, whose labels come back to the twin: scores made up, no model asked."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from bank_samples import CLINIC, people

from simulator.cases.bank import AS_THEY_COME, Bank, Scorer, Scores, Severities, bank_of
from simulator.clinic.bank_link import BankLink
from simulator.clinic.engine import Engine
from simulator.clinic.journal import Journal
from simulator.clinic.people import People
from simulator.language.loop_plans import outages
from simulator.language.scenario import Scenario, load
from twin.events import (
    EpochReached,
    LoggedEvent,
    StackEvent,
    StackPromoted,
    StackRejected,
)
from twin.meta import MetaStack, fit_meta
from twin.reference import Reference
from twin.stacks import StackVersion, plain

SIX = ("catboost", "xgboost", "svm", "random_forest", "gradient_boosting", "knn")
CAST: Severities = (("colour_cast", 4),)
DELAY = "12 h"


def drawn(malignant: np.ndarray, seed: int, *, blind: bool = False) -> tuple[np.ndarray, ...]:
    """Log-odds of six learners, (n, 6), and sketches, (n, 2); those of the blind tell little."""
    draws = np.random.default_rng(seed)
    apart = np.where(malignant, 1.0, -1.0)[:, None] * (0.2 if blind else 1.0)
    log_odds = apart + draws.normal(0, 1.5, (len(malignant), 6)) - (2.0 if blind else 0.0)
    sketch = draws.normal(1.0 if blind else 0.0, 1.0, (len(malignant), 2))
    return np.round(log_odds, 6), np.round(sketch, 4)


@cache
def meta() -> MetaStack:
    malignant = np.arange(300) % 2 == 0
    return fit_meta(drawn(malignant, 7)[0], malignant, SIX, 0.01)


def looped_bank(entries: int = 200, faults: dict[int, str] | None = None) -> Bank:
    """A bank with base scores, as images come and under a colour cast."""
    known = people(entries)
    malignant = np.array([one.malignant for one in known])
    scores = {}
    for seed, way in enumerate((AS_THEY_COME, CAST)):
        log_odds, sketch = drawn(malignant, seed, blind=bool(way))
        columns = dict(zip(SIX, log_odds.T, strict=True))
        p_malignant = meta().probability(columns)
        for place in faults or {}:
            log_odds[place], sketch[place], p_malignant[place] = np.nan, np.nan, np.nan
        scores[way] = Scores(
            p_malignant=p_malignant,
            log_odds=log_odds,
            learners=SIX,
            faults=faults or {},
            sketch=sketch,
        )
    bank = bank_of(known, scores, model_id="m" * 12, threshold=0.5, associated=False)
    of_training = np.arange(300) % 2 == 0
    log_odds, sketch = drawn(of_training, 7)
    reference = Reference(log_odds=log_odds, malignant=of_training, sketch=sketch)
    images = tuple(one.image for one in known)
    return replace(bank, scorer=Scorer(meta=meta(), reference=reference, images=images))


def looped(cases: dict[str, Any] | None = None, **fields: Any) -> Scenario:
    """A clinic whose patients are drawn from a bank; feedback and the rest as they are given."""
    told = {"source": "synthetic", "bank": 200, "population": {"prevalence": 0.3}} | (cases or {})
    return load(json.dumps(CLINIC | {"cases": told} | fields), "x.json")


class FakeRestacker:
    """Decides what it is told: a threshold for the epochs that are to promote."""

    def __init__(self, thresholds: dict[int, float] | None = None) -> None:
        self.thresholds = thresholds or {}
        self.noted: list[LoggedEvent] = []
        self.before: dict[int, int] = {}  # epoch -> events that were noted before it
        self._version = 0
        self._open: EpochReached | None = None

    def begin(self) -> StackPromoted:
        return self._promoted(0, 0.0, 0.5, None)

    def note(self, event: LoggedEvent) -> None:
        self.noted.append(event)
        if isinstance(event, EpochReached):
            self._open = event

    def ready(self) -> EpochReached | None:
        return self._open

    def decide(self, epoch: EpochReached) -> list[StackEvent]:
        self.before[epoch.epoch] = len(self.noted)
        self._open = None
        threshold = self.thresholds.get(epoch.epoch)
        if threshold is None:
            return [_kept(epoch, self._version)]
        self._version += 1
        return [self._promoted(epoch.epoch, epoch.at_min, threshold, self._version - 1)]

    def _promoted(
        self, epoch: int, at_min: float, threshold: float, parent: int | None
    ) -> StackPromoted:
        return StackPromoted(
            at_min=at_min,
            epoch=epoch,
            version=self._version,
            parent=parent,
            how="threshold" if epoch else "trained",
            model_id="m" * 12,
            threshold=threshold,
            penalty=meta().penalty,
            stacks=plain(meta()),
            digest="d",
            window_from_min=0.0,
            labels=0,
            malignant=0,
            reason="told to",
        )


def _kept(epoch: EpochReached, version: int) -> StackRejected:
    return StackRejected(
        at_min=epoch.at_min,
        epoch=epoch.epoch,
        version=version,
        verdict="kept",
        how="",
        window_from_min=0.0,
        labels=0,
        malignant=0,
        reason="told to",
    )


def link(
    scenario: Scenario,
    bank: Bank,
    restacker: FakeRestacker | None = None,
    kind: Callable[..., BankLink] = BankLink,
) -> BankLink:
    """A link whose re-stacker is a fake."""
    base = StackVersion(number=0, meta=meta(), threshold=bank.threshold)
    return kind(bank, base, outages(scenario), restacker)


def run(
    scenario: Scenario, bank: Bank, twin: BankLink | None = None, replication: int = 0
) -> Journal:
    """One replication; where epochs come, the stack stays as it is unless a link is given."""
    if twin is None and scenario.tells_twin:
        twin = link(scenario, bank, FakeRestacker())
    patients = People(scenario, replication, bank=bank)
    return Engine(scenario, replication, patients, twin).run()
