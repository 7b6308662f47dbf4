"""Three remedies, from the smallest on: move the threshold, recalibrate, re-stack.

The smallest that is enough is chosen on held-out answers to the labels that may be fitted to, by
the one-standard-error rule (Hastie, Tibshirani & Friedman 2009, section 7.10): a greater remedy
must be better than a smaller one by more than chance. The gate comes after, on other labels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twin.l1_logistic import Logistic, losses_of
from twin.meta import MetaStack, MetaWeights
from twin.reference import Reference
from twin.restacking.answers import log_odds_of
from twin.restacking.evidence import Evidence
from twin.restacking.fitting import DECIMALS, Labels, Refit, all_masks, calibrated, refit
from twin.restacking.operating_point import logit, threshold_at
from twin.restacking.paired import paired_mean
from twin.restacking.plan import Remedy
from twin.restacking.weighting import effective_size
from twin.stacks import StackVersion

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenger:
    """A remedy, ready to be judged; the stacks for missing learners are fitted when it passed."""

    how: Remedy
    meta: MetaStack  # of a re-stack: for all learners alone
    threshold: float
    finished: Callable[[], MetaStack]  # the stacks for every set of learners
    facts: dict[str, float]


def challenger_of(
    champion: StackVersion,
    base: StackVersion,
    reference: Reference,
    evidence: Evidence,
    weight: Floats,
    remedies: tuple[Remedy, ...],
) -> tuple[Challenger | None, dict[str, float]]:
    """Return the smallest remedy that is enough, or None; and the figures that decided.

    Parameters:
        evidence: labels that may be fitted to.
        weight: what each counts, shape (n,).
    """
    log_odds = log_odds_of(champion.meta, evidence)
    whole = ~np.isnan(evidence.log_odds).any(axis=1)
    labels = Labels(
        columns=np.concatenate([evidence.log_odds, evidence.sketch], axis=1)[whole],
        malignant=evidence.malignant[whole],
        weight=weight[whole],
        image=evidence.image[whole],
    )
    log_odds = log_odds[whole]
    base_share = float(reference.malignant.mean())
    cut = threshold_at(labels.prevalence, base.threshold, base_share)
    line, crossed = calibrated(labels, log_odds)
    seen = _optimism(champion, labels)
    before = losses_of(log_odds, labels.malignant) + seen
    after = losses_of(crossed, labels.malignant) + seen
    facts = {
        "prevalence": round(labels.prevalence, DECIMALS),
        "log_loss_champion": _mean(before, labels),
        "log_loss_recalibrate": _mean(after, labels),
    }
    best: Refit | None = None
    if "restack" in remedies:
        best = refit(labels, reference)
        restacked = losses_of(best.held_out, labels.malignant)
        facts["log_loss_restack"] = _mean(restacked, labels)
        rival = after if "recalibrate" in remedies else before
        if _better(rival - restacked, labels) and _better(before - restacked, labels):
            return _restacked(labels, reference, best, champion, cut, facts), facts
    if "recalibrate" in remedies and _better(before - after, labels):
        meta = scaled(champion.meta, line)
        return _same("recalibrate", meta, round(cut, DECIMALS), facts), facts
    if "threshold" in remedies:
        slope = max(float(line.weights[0]), 1e-3)
        moved = _sigmoid((logit(cut) - line.intercept) / slope)
        gained = _gain(labels, log_odds >= logit(champion.threshold), log_odds >= logit(moved))
        if _better(gained, labels):
            return _same("threshold", champion.meta, round(moved, DECIMALS), facts), facts
    return None, facts


def scaled(meta: MetaStack, line: Logistic) -> MetaStack:
    """Return stacks whose log-odds follow a line: intercept and slope for all sets of learners."""
    slope = float(line.weights[0])
    stacks = {
        there: MetaWeights(
            intercept=round(line.intercept + slope * one.intercept, DECIMALS),
            weights={name: round(slope * value, DECIMALS) for name, value in one.weights.items()},
        )
        for there, one in meta.stacks.items()
    }
    return replace(meta, stacks=stacks)


def _restacked(
    labels: Labels,
    reference: Reference,
    best: Refit,
    champion: StackVersion,
    cut: float,
    facts: dict[str, float],
) -> Challenger:
    learners = champion.meta.learners
    every = len(learners)
    full = MetaStack(
        learners=learners,
        penalty=best.penalty,
        stacks={},
        inputs=tuple(f"input.{place}" for place in range(labels.columns.shape[1] - every)),
    )
    names = (*learners, *full.inputs)
    values = [round(float(weight), DECIMALS) for weight in best.calibrated.weights]
    weights = MetaWeights(
        intercept=round(best.calibrated.intercept, DECIMALS),
        weights=dict(zip(names, values, strict=True)),
    )
    return Challenger(
        how="restack",
        meta=replace(full, stacks={learners: weights}),
        threshold=round(cut, DECIMALS),
        finished=lambda: all_masks(labels, reference, best, learners),
        facts={**facts, "reference_weight": best.trust, "penalty": best.penalty},
    )


def _same(
    how: Remedy,
    meta: MetaStack,
    threshold: float,
    facts: dict[str, float],
) -> Challenger:
    return Challenger(
        how=how, meta=meta, threshold=threshold, finished=lambda: meta, facts=dict(facts)
    )


def _optimism(champion: StackVersion, labels: Labels) -> float:
    """Return by how much a champion's loss is too small on pictures that it may be fitted to.

    Challengers are held against it by their answers to pictures that they have not seen. So what
    Akaike's criterion puts on a fit is put on the champion's, degrees of freedom over labels, which
    of an L1 fit are its weights other than zero (Zou, Hastie & Tibshirani 2007). Version 0 was
    fitted to training images and has seen none of these pictures.
    """
    if not champion.meta.inputs:
        return 0.0
    weights = champion.meta.weights_for(champion.meta.learners).weights
    free = 1 + sum(value != 0.0 for value in weights.values())
    return free / effective_size(labels.weight)


def _better(gain: Floats, labels: Labels) -> bool:
    mean, error = paired_mean(gain, labels.weight, labels.image)
    return mean > error


def _gain(labels: Labels, old: NDArray[np.bool_], new: NDArray[np.bool_]) -> Floats:
    """Return each case's part of the gain in balanced accuracy, up to a constant."""
    right = (new == labels.malignant).astype(np.float64) - (old == labels.malignant)
    return np.asarray(right / np.where(labels.malignant, labels.prevalence, 1 - labels.prevalence))


def _mean(losses: Floats, labels: Labels) -> float:
    return round(float(np.sum(losses * labels.weight) / labels.weight.sum()), DECIMALS)


def _sigmoid(log_odds: float) -> float:
    return float(0.5 * (1.0 + np.tanh(0.5 * log_odds)))
