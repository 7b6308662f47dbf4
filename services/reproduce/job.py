"""The whole reproduction, step after step; a step that was done before is read back."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from services.console import Bars
from services.evaluation.cross_validation import Plan as FoldPlan
from services.evaluation.evaluation import evaluate_views
from services.ground import learned_and_held_out
from services.learning import Lesson, code_digest, learn_images
from services.reproduce.baseline_maps import BaselineMap, baseline_maps
from services.reproduce.explanation_step import fidelity_on, judged_maps
from services.reproduce.mobilenet_steps import (
    baseline_answers,
    early_layers,
    network_times,
    tuned_baseline,
)
from services.reproduce.plan import Plan, chosen
from services.steps import Steps
from simulator.cases.datasets import LabelledImage, data_digest
from twin.explain.fidelity import Fidelity
from twin.mobilenet.costs import Times
from twin.mobilenet.separability import Separability
from twin.mobilenet.tuned import Tuned
from twin.mobilenet.weights import MobileNetWeights
from twin.model import STEM, Model, stem_of

BASELINE: Final = "MobileNetV2"  # the name of its answers beside the stack's
_VIEWS: Final = 8  # turned and mirrored views of an image that the baseline averages over

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be reproduced, on what."""

    root: Path  # data directory
    images: Sequence[LabelledImage]  # of all splits, before the plan's choice
    plan: Plan
    weights: MobileNetWeights | None  # None: the parts that need them are left out
    why_no_weights: str  # then
    home: Path  # models and folds
    folder: Path  # of this reproduction: its steps, and what it ends with
    seed: int
    threads: int


@dataclass(slots=True, kw_only=True)
class Found:
    """All that the report shows."""

    order: Order
    images: list[LabelledImage]  # that took part
    model: Model
    views: Mapping[str, Any]  # of `evaluate_views`
    layers: Separability | None
    tuned: Tuned | None
    times: Times | None
    baseline_maps: list[BaselineMap]  # none without baseline or test images
    explanations: Mapping[str, Any] | None  # of `judged_maps`; None without test images
    fidelity: Fidelity | None  # of the surrogate, on all test images
    degraded: list[str]  # what is not as it should be, in words
    spent_s: dict[str, float] = field(default_factory=dict)  # by part, of this sitting
    reused: list[str] = field(default_factory=list)  # steps that an earlier sitting had done

    def labels(self) -> NDArray[np.bool_]:
        """Return the truth of the training images, shape (n,)."""
        return np.array([one.malignant for one in learned_and_held_out(self.images)[0]])


def carry_out(order: Order, bars: Bars) -> Found:
    """Do all steps that are not done yet.

    Raises:
        DataError: the images do not allow a part; see `require_ground`.
        DependencyError: the process of the baseline died; the same call goes on from there.
    """
    images = chosen(order.images, order.plan.images)
    trained, tested = learned_and_held_out(images)
    steps = Steps(
        order.folder / "steps",
        {"data": data_digest(images), "plan": order.plan.name, "code": code_digest()},
    )
    lesson = Lesson(quick=order.plan.is_quick_model, seed=order.seed, threads=order.threads)
    spent_s: dict[str, float] = {}

    def timed(part: str, work: Callable[[], T]) -> T:
        begun_s = time.perf_counter()
        done = work()
        spent_s[part] = round(time.perf_counter() - begun_s, 1)
        return done

    model, _, fresh = timed(
        "model", lambda: learn_images(order.home, order.root, trained, lesson, bars)
    )
    if not fresh:
        steps.reused.append("model")
    layers, tuned, measured, others = None, None, None, {}
    pictured: list[BaselineMap] = []
    if order.weights is not None:
        weights = order.weights
        common: dict[str, Any] = {"threads": order.threads, "bars": bars}
        stem = stem_of(model.part(STEM)).weights  # calibrated on the same images
        layers = timed(
            "early layers",
            lambda: early_layers(
                steps,
                order.root,
                trained,
                weights,
                stem,
                map_images=order.plan.map_images,
                seed=order.seed,
                **common,
            ),
        )
        measured = timed("costs", lambda: network_times(steps, weights))
        if tested:
            tuned = best = timed(
                "baseline",
                lambda: tuned_baseline(
                    steps,
                    order.root,
                    trained,
                    weights,
                    epochs=order.plan.epochs,
                    seed=order.seed,
                    **common,
                ),
            )
            answers = timed(
                "baseline's answers",
                lambda: baseline_answers(
                    steps, order.root, tested, weights, best, views=_VIEWS, **common
                ),
            )
            others = {BASELINE: {"test": answers}}
            pictured = timed(
                "baseline's maps",
                lambda: baseline_maps(steps, order.root, tested, weights, best, bars),
            )
    explanations, fidelity = None, None
    if tested:
        fidelity = timed("fidelity", lambda: fidelity_on(steps, order.root, tested, model, bars))
        explanations = timed(
            "maps",
            lambda: judged_maps(
                steps, order.root, tested, model, count=order.plan.explained, bars=bars
            ),
        )
    folds = FoldPlan(root=order.root, images=images, lesson=lesson, outer=order.plan.outer_folds)
    views = timed(
        "evaluation",
        lambda: evaluate_views(
            model,
            order.root,
            images,
            bars,
            threads=order.threads,
            folds=(order.home, folds),
            others=others,
            resamples=order.plan.resamples,
        ),
    )
    return Found(
        order=order,
        images=images,
        model=model,
        views=views,
        layers=layers,
        tuned=tuned,
        times=measured,
        baseline_maps=pictured,
        explanations=explanations,
        fidelity=fidelity,
        degraded=_degraded(order, images, views),
        spent_s=spent_s,
        reused=list(dict.fromkeys(steps.reused)),
    )


def _degraded(order: Order, images: Sequence[LabelledImage], views: Mapping[str, Any]) -> list[str]:
    """Return what is missing or less than it should be."""
    said = []
    if order.plan.is_quick_model:
        said.append(
            f"quick: {len(images)} of {len(order.images)} images, small learners, short training "
            "of the baseline; the figures show the parts of the report and stand for nothing"
        )
    if order.weights is None:
        said.append(
            f"no MobileNetV2: {order.why_no_weights}; early layers, baseline and costs by the "
            "clock are left out"
        )
    said += [
        f"{view['title']} is left out: {view['why_not']}"
        for view in views["views"].values()
        if view["why_not"]
    ]
    if not any(image.split == "test" for image in images):
        said.append(
            "no test split: the model learned from all images, and baseline and maps are not judged"
        )
    said += [f"not scored: {reason}" for reason in views["unscorable"]]
    return said
