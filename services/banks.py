"""Builds the bank of a scenario: its entries, what the model says of them, and how good that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from services.bank_scoring import Score, score_all
from services.base_scores import BaseScores, base_id_of
from services.config import Settings
from services.console import Bars, say
from services.experiments.plan import Point
from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Scores, Severities, bank_of
from simulator.cases.bank_entries import entries_of, reference_of
from simulator.cases.bank_margins import Mixture, mixture_of
from simulator.cases.bank_patients import severities_key
from simulator.cases.bank_quality import quality
from simulator.cases.bank_wanted import reachable, wanted_of
from simulator.cases.datasets import LabelledImage, load_images
from simulator.cases.regimes import NO_SHIFT
from simulator.cases.weighting import effective_size
from simulator.language.cases import ImageCases
from simulator.language.schema import Scenario
from twin.errors import SettingsError
from twin.model import Model, meta_of

# Lesions of either truth, by Kish. Below it, a sensitivity of 0.9 has a 95 % interval wider than
# 0.8 to 1: sqrt(0.9 * 0.1 / 35) * 1.96 = 0.1.
FEWEST: Final = 35
_MOST_NAMED: Final = 20  # images that could not be scored, in messages


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A bank and what is told of it."""

    bank: Bank
    facts: Mapping[str, Any]  # plain data for the summary
    complaints: tuple[str, ...]  # images that could not be scored
    entries: tuple[Entry, ...]
    mixture: Mixture  # of the first class's patients before any shift


class Banks:
    """Builds banks; points of an experiment that need the same one share it.

    Parameters:
        models: the model that a scenario uses; asked once a bank's entries are known to do.
    """

    def __init__(self, settings: Settings, models: Callable[[Scenario], Model], bars: Bars) -> None:
        self._settings, self._models, self._bars = settings, models, bars
        self._known_models: dict[str, Model] = {}
        self._images: dict[str, list[LabelledImage]] = {}
        self._built: dict[object, tuple[Bank, int, int]] = {}

    def of(self, point: Point) -> Built:
        """Return the bank of a point, scored.

        Raises:
            ScenarioError: the bank has not whom the scenario asks for.
            SettingsError: the images' directory is not set.
            DependencyError: scores cannot be remembered.
        """
        scenario = point.scenario
        entries = entries_of(scenario, self._labelled(scenario))
        _has_everybody(scenario, entries)
        ways = ways_of(scenario)
        model = self._model(scenario)
        key = (model.model_id, tuple(entries), tuple(ways))
        if key not in self._built:
            self._built[key] = self._scored(scenario, entries, ways, model)
        bank, now, before = self._built[key]
        mixture = _mixture(scenario, bank)
        facts = facts_of(scenario, bank, mixture) | {"scored_now": now, "cached": before}
        return Built(
            bank=bank,
            facts=facts,
            complaints=_complaints(bank),
            entries=tuple(entries),
            mixture=mixture,
        )

    def _model(self, scenario: Scenario) -> Model:
        wanted = repr(scenario.model)
        if wanted not in self._known_models:
            self._known_models[wanted] = self._models(scenario)
        return self._known_models[wanted]

    def _labelled(self, scenario: Scenario) -> Sequence[LabelledImage]:
        if not isinstance(scenario.cases, ImageCases):
            return ()
        root = self._settings.data
        if root is None:
            raise SettingsError("DERMTWIN_DATA", "", "this scenario's bank is made of images")
        split = scenario.cases.images.split
        if split not in self._images:
            self._images[split] = load_images(root, split=None if split == "all" else split)
        return self._images[split]

    def _scored(
        self,
        scenario: Scenario,
        entries: Sequence[Entry],
        ways: Sequence[Severities],
        model: Model,
    ) -> tuple[Bank, int, int]:
        from services.learning import code_digest  # imports the twin's sources' digest alone

        meta = meta_of(model.part("meta"))
        refs = [reference_of(entry.image, way) for way in ways for entry in entries]
        with BaseScores(self._settings.home, base_id_of(model), code_digest()) as kept:
            scores, now = score_all(
                refs,
                kept,
                lambda: open_stack(model, self._settings.data),
                meta,
                threads=self._settings.threads,
                on_progress=lambda done, total: self._bars("bank", done, total),
            )
        size = len(entries)
        by_way = {way: _part(scores, i * size, size) for i, way in enumerate(ways)}
        bank = _bank(scenario, entries, by_way, model.model_id, model.threshold)
        return bank, now, len(refs) - now


def open_stack(model: Model, data: Path | None) -> tuple[Score, Callable[[], None]]:
    """Return how a stack of its own scores images, and how it is closed."""
    from actors.local import LocalStack  # imports TensorFlow, which known scores do not need
    from services.image_store import FileReader
    from services.parts import parts_of

    stack = LocalStack(parts_of(model), None if data is None else FileReader(data))
    return (lambda images: stack.submit(images).collect()), stack.close


def ways_of(scenario: Scenario) -> list[Severities]:
    """Return every way in which images of a scenario can be taken, as they come first."""
    horizon_min = float("inf") if scenario.horizon_min is None else scenario.horizon_min
    regimes = reachable(scenario.shifts, horizon_min)
    return list(dict.fromkeys([AS_THEY_COME, *(severities_key(scenario, one) for one in regimes)]))


def facts_of(scenario: Scenario, bank: Bank, mixture: Mixture) -> dict[str, Any]:
    """Return what is told of a bank: who is in it, and how sure it is of the model's worth.

    The mixture is that of the first class's patients before any shift.
    """
    scores = bank.scores[AS_THEY_COME]
    threshold = scenario.operating_point
    threshold = bank.threshold if threshold is None else threshold
    sizes = {
        name: effective_size(mixture.weights[mask], bank.lesion[mask])
        for name, mask in (
            ("all", np.ones(len(bank), dtype=np.bool_)),
            ("malignant", bank.malignant),
            ("benign", ~bank.malignant),
        )
    }
    figures = quality(bank, scores, mixture, threshold)
    names, counts = np.unique([name or "unknown" for name in bank.diagnosis], return_counts=True)
    few = [name for name in ("malignant", "benign") if sizes[name] < FEWEST]
    return {
        "model_id": bank.model_id,
        "size": len(bank),
        "lesions": len(np.unique(bank.lesion)),
        "malignant": int(bank.malignant.sum()),
        "by_diagnosis": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "ways_taken": [dict(way) for way in bank.scores],
        "unscorable": sum(len(one.faults) for one in bank.scores.values()),
        "effective_size": {name: round(size, 1) for name, size in sizes.items()},
        "threshold": threshold,
        **{name: asdict(figure) for name, figure in figures.items()},
        "warnings": [
            f"{name} patients stand on about {sizes[name]:.0f} lesions (effective sample size); "
            f"with fewer than {FEWEST} the bank itself says little of them"
            for name in few
        ],
        "words": _words(sizes, figures["sensitivity"].low, figures["sensitivity"].high),
    }


def line_of(facts: Mapping[str, Any]) -> str:
    """Return a bank in one line for people."""
    sizes = facts["effective_size"]
    figures = ", ".join(
        f"{name} {one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
        for name in ("auc", "sensitivity", "specificity")
        for one in [facts[name]]
        if one["value"] is not None
    )
    return (
        f"bank of {facts['size']:,} images of {facts['lesions']:,} lesions, "
        f"{facts['malignant']:,} malignant; scored now {facts['scored_now']:,}, before "
        f"{facts['cached']:,}; effective sample size {sizes['malignant']:.0f} malignant, "
        f"{sizes['benign']:.0f} benign; {figures}"
    )


def tell(built: Built) -> None:
    """Say what a bank is, and what is wrong with it."""
    say(line_of(built.facts))
    for warning in built.facts["warnings"]:
        say(f"bank: {warning}")


def _words(sizes: Mapping[str, float], low: float | None, high: float | None) -> str:
    start = (
        "Intervals of this run hold for patients drawn from this bank; more patients do not make "
        "the bank surer"
    )
    if low is None or high is None:
        return f"{start}, and it has no malignant lesion that was scored."
    return (
        f"{start}: its {sizes['malignant']:.0f} malignant lesions (effective) place the model's "
        f"sensitivity between {low:.3f} and {high:.3f} (95 %, bootstrap over lesions)."
    )


def _has_everybody(scenario: Scenario, entries: Sequence[Entry]) -> None:
    """Hold all populations of a scenario against the entries, before hours of scoring."""
    bank = _bank(scenario, entries, {}, "", 0.5)
    horizon_min = float("inf") if scenario.horizon_min is None else scenario.horizon_min
    for one in scenario.patient_classes:
        for regime in reachable(scenario.shifts, horizon_min):
            mixture_of(bank, wanted_of(scenario, one, regime), scenario.name)


def _bank(
    scenario: Scenario,
    entries: Sequence[Entry],
    scores: Mapping[Severities, Scores],
    model_id: str,
    threshold: float,
) -> Bank:
    return bank_of(
        entries,
        scores,
        model_id=model_id,
        threshold=threshold,
        associated=isinstance(scenario.cases, ImageCases),
    )


def _mixture(scenario: Scenario, bank: Bank) -> Mixture:
    first = scenario.patient_classes[0]
    return mixture_of(bank, wanted_of(scenario, first, NO_SHIFT), scenario.name)


def _part(scores: Scores, first: int, count: int) -> Scores:
    return replace(
        scores,
        p_malignant=scores.p_malignant[first : first + count].copy(),
        log_odds=scores.log_odds[first : first + count].copy(),
        faults={
            place - first: reason
            for place, reason in scores.faults.items()
            if first <= place < first + count
        },
    )


def _complaints(bank: Bank) -> tuple[str, ...]:
    every = (reason for scores in bank.scores.values() for reason in scores.faults.values())
    reasons = [f"bank: not scored: {reason}" for reason in dict.fromkeys(every)]
    if len(reasons) > _MOST_NAMED:
        more = f"bank: not scored: {len(reasons) - _MOST_NAMED} more images, see bank.csv"
        reasons = [*reasons[:_MOST_NAMED], more]
    return tuple(reasons)
