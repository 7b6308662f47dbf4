"""Builds the bank of a scenario: its entries, what the model says of them, and how good that is."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from services.bank_facts import facts_of
from services.bank_scoring import Score, score_all
from services.base_scores import BaseScores, base_id_of
from services.config import Settings
from services.console import Bars
from services.experiments.plan import Point
from services.image_directory import ImageDirectory
from simulator.cases.bank import AS_THEY_COME, Bank, Entry, Scorer, Scores, Severities, bank_of
from simulator.cases.bank_entries import entries_of, reference_of
from simulator.cases.bank_margins import Mixture, mixture_of
from simulator.cases.bank_patients import severities_key
from simulator.cases.bank_wanted import reachable
from simulator.cases.datasets import LabelledImage
from simulator.cases.regimes import NO_SHIFT
from simulator.language.cases import ImageCases
from simulator.language.schema import Scenario
from twin.images import ImageRef
from twin.model import META, REFERENCE, Model, meta_of
from twin.model import reference_of as reference_part

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
        images: the data directory; by default that of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        models: Callable[[Scenario], Model],
        bars: Bars,
        images: ImageDirectory | None = None,
    ) -> None:
        self._settings, self._models, self._bars = settings, models, bars
        self._known_models: dict[str, Model] = {}
        self._images = images or ImageDirectory(settings.data)
        self._built: dict[object, tuple[Bank, int, int]] = {}

    def of(self, point: Point, also: Sequence[Severities] = ()) -> Built:
        """Return the bank of a point, scored.

        Parameters:
            also: ways to take the images beside those that the point can reach; other points then
                find them scored.

        Raises:
            ScenarioError: the bank has not whom the scenario asks for.
            SettingsError: the images' directory is not set.
            DependencyError: scores cannot be remembered.
        """
        scenario = point.scenario
        entries = entries_of(scenario, self._labelled(scenario))
        _has_everybody(scenario, entries)
        ways = list(dict.fromkeys([*ways_of(scenario), *also]))
        model = self._model(scenario)
        key = (model.model_id, tuple(entries), tuple(ways))
        if key not in self._built:
            self._built[key] = self._scored(scenario, entries, ways, model)
        bank, now, before = self._built[key]
        mixture = _mixture(scenario, bank)
        facts = facts_of(scenario, bank, mixture) | {"scored_now": now, "cached": before}
        if scenario.is_looped:
            images = tuple(entry.image for entry in entries)
            bank = replace(bank, scorer=scorer_of(model, images))
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
        return self._images.split(scenario.cases.images.split, "bank is made of images")

    def _scored(
        self,
        scenario: Scenario,
        entries: Sequence[Entry],
        ways: Sequence[Severities],
        model: Model,
    ) -> tuple[Bank, int, int]:
        from services.learning import code_digest  # imports the twin's sources' digest alone

        meta = meta_of(model.part(META))
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


def scorer_of(model: Model, images: tuple[ImageRef, ...]) -> Scorer:
    """Return what answers for a twin over a bank of images."""
    return Scorer(
        meta=meta_of(model.part(META)),
        reference=reference_part(model.part(REFERENCE)),
        images=images,
    )


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


def _has_everybody(scenario: Scenario, entries: Sequence[Entry]) -> None:
    """Hold all populations of a scenario against the entries, before hours of scoring."""
    bank = _bank(scenario, entries, {}, "", 0.5)
    horizon_min = float("inf") if scenario.horizon_min is None else scenario.horizon_min
    for one in scenario.patient_classes:
        for regime in reachable(scenario.shifts, horizon_min):
            mixture_of(bank, scenario, one, regime)


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
    return mixture_of(bank, scenario, first, NO_SHIFT)


def _part(scores: Scores, first: int, count: int) -> Scores:
    return replace(
        scores,
        p_malignant=scores.p_malignant[first : first + count].copy(),
        log_odds=scores.log_odds[first : first + count].copy(),
        sketch=scores.sketch[first : first + count].copy(),
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
