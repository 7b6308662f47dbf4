"""Patients drawn from a bank: truth by prevalence, then an entry of that truth by its weight.

Both draws are keyed (law 9). Entries stand in an order of their facts, so weights that change a
little give a few patients another entry, with facts like the one before.
"""

from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulator.cases.bank import UNKNOWN, Bank, Severities
from simulator.cases.bank_entries import reference_of
from simulator.cases.bank_margins import Mixture, mixture_of
from simulator.cases.regimes import NO_SHIFT, Regime, severities_of
from simulator.draws.uniforms import Blocks, Uniforms
from simulator.language.classes import ClassSpec
from simulator.language.form import ScenarioForm
from simulator.language.schema import Scenario

_BOTH: Final = (False, True)


class _Patient(Protocol):
    key: int
    regime: Regime


class BankPatients:
    """Gives the patients of a class truth, facts and scores out of a bank.

    Where a run answers each case from base scores, they have an image, too.

    Raises:
        ScenarioError: a population cannot be drawn from this bank.
    """

    def __init__(self, scenario: Scenario, one: ClassSpec, replication: int, bank: Bank) -> None:
        self._scenario, self._class, self._bank = scenario, one, bank
        key = (scenario.seed, replication)
        # The truth is that of nominal patients with the same key: banks can be compared with them.
        self._truth = Uniforms(*key, f"population.truth.{one.id}")
        self._entry = Uniforms(*key, f"bank.entry.{one.id}")
        self._by_regime: dict[Regime, tuple[Drawn, list[dict[str, Any]]]] = {}
        self._known: dict[Severities, list[dict[str, Any]]] = {}
        self._drawn, self._facts = self._of(NO_SHIFT)
        self.fill = self._fill_shifted if scenario.shifts else self._fill

    def _fill(self, patient: _Patient) -> None:
        patient.__dict__.update(self._facts[int(self._drawn[patient.key])])

    def _fill_shifted(self, patient: _Patient) -> None:
        regime = patient.regime
        drawn, facts = self._by_regime.get(regime) or self._of(regime)
        patient.__dict__.update(facts[int(drawn[patient.key])])

    def _of(self, regime: Regime) -> tuple["Drawn", list[dict[str, Any]]]:
        scenario, bank = self._scenario, self._bank
        mixture = mixture_of(bank, scenario, self._class, regime)
        severities = severities_key(scenario, regime)
        if severities not in self._known:
            self._known[severities] = facts_of(bank, severities, scenario.operating_point)
        found = (Drawn(bank, mixture, self._truth, self._entry), self._known[severities])
        self._by_regime[regime] = found
        return found


class Drawn(Blocks):
    """The entry of each patient, by the block."""

    __slots__ = ("_edges", "_entry", "_order", "_prevalence", "_truth")

    def __init__(self, bank: Bank, mixture: Mixture, truth: Uniforms, entry: Uniforms) -> None:
        super().__init__()
        self._truth, self._entry = truth, entry
        self._prevalence = mixture.prevalence
        self._order: list[NDArray[np.intp]] = []
        self._edges: list[NDArray[np.float64]] = []
        sorted_ = order_of_facts(bank)
        for malignant in _BOTH:
            weights = mixture.within(bank.malignant == malignant)[sorted_]
            # Who has no weight is never drawn, not even where rounding leaves a gap at the end.
            order, weights = sorted_[weights > 0], weights[weights > 0]
            edges = np.cumsum(weights)[:-1]
            self._order.append(order)
            self._edges.append(edges)

    def block(self, first: int, count: int) -> NDArray[np.float64]:
        """Return the entries of patients `first` to `first + count - 1`."""
        malignant = self._truth.block(first, count) < self._prevalence
        drawn = self._entry.block(first, count)
        entries = np.empty(count)
        for truth in _BOTH:
            mask = malignant == truth
            if mask.any():
                places = np.searchsorted(self._edges[truth], drawn[mask], side="right")
                entries[mask] = self._order[truth][places]
        return entries


def severities_key(scenario: ScenarioForm, regime: Regime) -> Severities:
    """Return how the images of a regime are taken, as banks keep it."""
    return tuple(sorted(severities_of(regime, scenario.shifts).items()))


def order_of_facts(bank: Bank) -> NDArray[np.intp]:
    """Return the entries sorted by diagnosis, skin tone, sex and age."""

    def words(column: tuple[str | None, ...], place: int) -> str:
        return column[place] or ""

    places = sorted(
        range(len(bank)),
        key=lambda i: (
            words(bank.diagnosis, i),
            words(bank.skin_tone, i),
            words(bank.sex, i),
            int(bank.age[i]),
            i,
        ),
    )
    return np.array(places, dtype=np.intp)


def facts_of(bank: Bank, severities: Severities, threshold: float | None) -> list[dict[str, Any]]:
    """Return, for each entry, what a patient drawn from it has.

    Parameters:
        threshold: on p_malignant; None for the model's own.
    """
    scores = bank.scores[severities]
    least = bank.threshold if threshold is None else threshold
    found = []
    for place in range(len(bank)):
        facts: dict[str, Any] = {
            "malignant": bool(bank.malignant[place]),
            "diagnosis": bank.diagnosis[place],
            "age": None if bank.age[place] == UNKNOWN else int(bank.age[place]),
            "sex": bank.sex[place],
            "site": bank.site[place],
            "skin_tone": bank.skin_tone[place],
            "bank_entry": place,
        }
        if bank.scorer is not None:
            facts["image"] = reference_of(bank.scorer.images[place], severities)
        fault = scores.faults.get(place)
        if fault is None:
            p_malignant = float(scores.p_malignant[place])
            facts |= {"score": p_malignant, "score_flags": p_malignant >= least}
        else:
            facts["score_fault"] = fault
        found.append({name: value for name, value in facts.items() if value is not None})
    return found
