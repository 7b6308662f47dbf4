"""One epoch's decision: promote, reject, wait or keep, as an event with its reason in words."""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.events import EpochReached, StackPromoted, StackRejected
from twin.reference import Reference
from twin.restacking.answers import side_of
from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement
from twin.restacking.ledger import Ledger
from twin.restacking.plan import GatePlan, RestackPlan
from twin.restacking.remedies import challenger_of
from twin.restacking.weighting import effective_size, fit_weights
from twin.stacks import StackVersion, digest_of, plain

# Evidence held out, champion, challenger, plan, and all labels
Judge = Callable[[Evidence, Side, Side, GatePlan, Evidence], Judgement]

LEAST: Final = 10  # labels of either class that a fit needs: assumption
_ARRAYS: Final = (
    "at_min",
    "log_odds",
    "sketch",
    "malignant",
    "referred",
    "p_verified",
    "weight",
    "image",
    "held_out",
)
_VERDICTS: Final = {"fail": "rejected", "few": "waiting"}


def announced(base: StackVersion, model_id: str) -> StackPromoted:
    """Return version 0 as an event."""
    stacks = plain(base.meta)
    return StackPromoted(
        at_min=0.0,
        epoch=0,
        version=0,
        parent=None,
        how="trained",
        model_id=model_id,
        threshold=base.threshold,
        penalty=base.meta.penalty,
        inputs=base.meta.inputs,
        stacks=stacks,
        digest=digest_of(base.threshold, base.meta.penalty, stacks),
        window_from_min=0.0,
        labels=0,
        malignant=0,
        reason="the stack that the model came with",
    )


def rolled_back(
    epoch: EpochReached, to: StackVersion, parent: int, reason: str, *, model_id: str, version: int
) -> StackPromoted:
    """Return the event that brings an earlier stack back under a new number."""
    return replace(
        announced(to, model_id),
        at_min=epoch.at_min,
        epoch=epoch.epoch,
        version=version,
        parent=parent,
        how="rollback",
        restores=to.number,
        reason=reason,
    )


def decided(
    epoch: EpochReached,
    plan: RestackPlan,
    ledger: Ledger,
    *,
    champion: StackVersion,
    base: StackVersion,
    reference: Reference,
    judge: Judge,
    model_id: str,
    version: int,
) -> StackPromoted | StackRejected:
    """Fit the smallest remedy that is enough, have it judged, and say what follows."""
    from_min = max(0.0, epoch.at_min - plan.window_min)
    evidence = ledger.evidence(from_min, epoch.at_min, base.meta.learners)
    fitted, held = part(evidence, ~evidence.held_out), part(evidence, evidence.held_out)
    malignant = int(fitted.malignant.sum())

    def stays(verdict: str, reason: str, facts: dict[str, float] | None = None) -> StackRejected:
        return StackRejected(
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            version=champion.number,
            verdict=verdict,
            how="",
            window_from_min=from_min,
            labels=len(fitted),
            malignant=malignant,
            facts=facts or {},
            reason=reason,
        )

    if min(malignant, len(fitted) - malignant) < LEAST:
        return stays(
            "waiting",
            f"waits for labels: {malignant} malignant and {len(fitted) - malignant} benign may be "
            f"fitted to, {LEAST} of each are needed",
        )
    cases = ledger.answered(from_min, epoch.at_min)
    weight = fit_weights(
        plan.weighting, fitted, cases, lambda name: ledger.referred(name, epoch.at_min)
    )
    challenger, facts = challenger_of(champion, base, reference, fitted, weight, plan.remedies)
    facts = {**facts, "effective_labels": round(effective_size(weight), 1)}
    if challenger is None:
        return stays("kept", "no remedy is better by more than chance", facts)
    gate = None
    if plan.gate is not None:
        # Who was answered without a learner is judged by the stack of those who remained.
        lacking = bool(np.isnan(held.log_odds).any())
        rival_meta = challenger.finished() if lacking else challenger.meta
        rival = StackVersion(number=version, meta=rival_meta, threshold=challenger.threshold)
        gate = judge(held, side_of(champion, held), side_of(rival, held), plan.gate, evidence)
        if gate.verdict != "pass":
            full = challenger.meta.weights_for(challenger.meta.learners)
            return replace(
                stays(_VERDICTS[gate.verdict], gate.reason, {**facts, **challenger.facts}),
                how=challenger.how,
                threshold=challenger.threshold,
                weights={"intercept": full.intercept, **full.weights},
                gate=gate.rows,
            )
    meta = challenger.finished()
    stacks = plain(meta)
    return StackPromoted(
        at_min=epoch.at_min,
        epoch=epoch.epoch,
        version=version,
        parent=champion.number,
        how=challenger.how,
        model_id=model_id,
        threshold=challenger.threshold,
        penalty=meta.penalty,
        inputs=meta.inputs,
        stacks=stacks,
        digest=digest_of(challenger.threshold, meta.penalty, stacks),
        window_from_min=from_min,
        labels=len(fitted),
        malignant=malignant,
        facts={**facts, **challenger.facts},
        gate=gate.rows if gate else (),
        reason=gate.reason if gate else "no gate: promoted without being judged",
    )


def part(evidence: Evidence, rows: NDArray[np.bool_]) -> Evidence:
    """Return some cases of an evidence."""
    places = np.flatnonzero(rows).tolist()
    return replace(
        evidence,
        case_id=tuple(evidence.case_id[place] for place in places),
        groups={
            name: tuple(values[place] for place in places)
            for name, values in evidence.groups.items()
        },
        **{name: getattr(evidence, name)[rows] for name in _ARRAYS},
    )
