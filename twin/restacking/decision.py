"""One epoch's decision: promote, reject, wait or keep, as an event with its reason in words."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from twin.events import EpochReached, StackPromoted, StackRejected
from twin.reference import Reference
from twin.restacking.answers import side_of
from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement
from twin.restacking.ledger import Ledger, LedgerCase, evidence_of, through
from twin.restacking.plan import GatePlan, RestackPlan, Weighting
from twin.restacking.refresh import refreshed
from twin.restacking.remedies import LEAST, propose
from twin.restacking.rows import FOLDS, pictures_of
from twin.restacking.stretch import unchanged_since
from twin.restacking.weighting import estimated_weights, strata_of, tertiles
from twin.stacks import StackVersion, digest_of, plain

# Evidence held out, champion, challenger, plan, and all labels
Judge = Callable[[Evidence, Side, Side, GatePlan, Evidence], Judgement]

Decision = StackPromoted | StackRejected

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
        digest=digest_of(base.threshold, base.meta.penalty, stacks, base.meta.inputs),
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


def stays(
    epoch: EpochReached, number: int, verdict: str, reason: str, how: str = ""
) -> StackRejected:
    """Return the event that leaves a version in force, on no labels."""
    return StackRejected(
        at_min=epoch.at_min,
        epoch=epoch.epoch,
        version=number,
        verdict=verdict,
        how=how,
        window_from_min=epoch.at_min,
        labels=0,
        malignant=0,
        reason=reason,
    )


def decided(
    epoch: EpochReached,
    plan: RestackPlan,
    ledger: Ledger,
    *,
    champion: StackVersion,
    base: StackVersion,
    version_at: Callable[[float], StackVersion],
    reference: Reference,
    judge: Judge,
    model_id: str,
    version: int,
    since_min: float = 0.0,
) -> StackPromoted | StackRejected:
    """Fit the smallest remedy that is enough, have it judged, and say what follows.

    Parameters:
        version_at: the version that was in force at a time.
        version: number of the stack that may be promoted.
        since_min: labels of cases that arrived before it are left aside, as after a rollback.
    """
    from_min = max(since_min, epoch.at_min - plan.window_min)
    cases = ledger.cases(from_min, epoch.at_min)
    from_min = max(from_min, unchanged_since(cases, base.meta.learners))
    cases = [case for case in cases if case.arrived.at_min >= from_min]
    evidence = evidence_of(cases, base.meta.learners)
    weighted = reweighted(evidence, cases, plan.weighting)
    fitted, held = weighted.rows(~weighted.held_out), evidence.rows(evidence.held_out)
    malignant = int(fitted.malignant.sum())

    def refused(verdict: str, reason: str, facts: dict[str, float] | None = None) -> StackRejected:
        return replace(
            stays(epoch, champion.number, verdict, reason),
            window_from_min=from_min,
            labels=len(fitted),
            malignant=malignant,
            facts=facts or {},
        )

    if reason := too_few(fitted):
        return refused("waiting", reason)
    old = ledger.pictures_before(champion.from_min)
    seen = np.array([case.picture in old for case in cases if case.label is not None], np.bool_)
    found = propose(fitted, champion, reference, base, plan.remedies, seen=seen[~evidence.held_out])
    if not found.how:
        return refused("kept", found.reason, found.facts)
    meta, gate = found.meta, None
    if plan.gate is not None:
        if np.isnan(held.log_odds).any():
            meta = found.finished()  # cases that lacked a learner are judged, too
        rival = StackVersion(number=version, meta=meta, threshold=found.threshold)
        gate = judge(held, side_of(champion, held), side_of(rival, held), plan.gate, evidence)
        earlier = version_at(from_min)
        if gate.verdict != "pass" and earlier.number != champion.number:
            again = judge(held, side_of(earlier, held), side_of(rival, held), plan.gate, evidence)
            gate = refreshed(gate, again, earlier.number)
        if gate.verdict != "pass":
            full = meta.weights_for(meta.learners)
            return replace(
                refused(_VERDICTS[gate.verdict], gate.reason, found.facts),
                how=found.how,
                threshold=found.threshold,
                weights={"intercept": full.intercept, **full.weights},
                gate=gate.rows,
            )
    if len(meta.stacks) < len(champion.meta.stacks):
        meta = found.finished()
    stacks = plain(meta)
    return StackPromoted(
        at_min=epoch.at_min,
        epoch=epoch.epoch,
        version=version,
        parent=champion.number,
        how=found.how,
        model_id=model_id,
        threshold=found.threshold,
        penalty=meta.penalty,
        inputs=meta.inputs,
        stacks=stacks,
        digest=digest_of(found.threshold, meta.penalty, stacks, meta.inputs),
        window_from_min=from_min,
        labels=len(fitted),
        malignant=malignant,
        facts=found.facts,
        gate=gate.rows if gate else (),
        reason=f"{found.reason}; {gate.reason if gate else 'promoted without being judged'}",
    )


def reweighted(evidence: Evidence, cases: Sequence[LedgerCase], weighting: Weighting) -> Evidence:
    """Return the evidence with the weights that a fit is to use, of all labels with mean 1.

    `known`: as it is. `estimated`: by the share that has a label in the same stratum (referred or
    not, third of the probability that the verdict gave). `none`: all alike, which is biased
    wherever verification depends on the decision.
    """
    weight = evidence.weight
    if weighting == "none":
        weight = np.ones(len(evidence))
    elif weighting == "estimated":
        done = through(cases)
        score = np.array([case.verdict.p_malignant for case in done], np.float64)
        referred = np.array([case.closed is not None and case.closed.referred for case in done])
        cuts = tertiles(score)
        of_labels = np.array(
            [case.verdict.p_malignant for case in cases if case.label is not None], np.float64
        )
        weight = estimated_weights(
            strata_of(evidence.referred, of_labels, cuts), strata_of(referred, score, cuts)
        )
    return replace(evidence, weight=weight / weight.mean()) if len(evidence) else evidence


def too_few(evidence: Evidence) -> str:
    """Return in words what is missing to fit anything; nothing if nothing is."""
    ill = evidence.malignant
    pictures = pictures_of(evidence.image, ill)
    for name, rows, shown in zip(("benign", "malignant"), (~ill, ill), pictures, strict=True):
        count = int(rows.sum())
        if count < LEAST:
            return f"waits for labels: {count} {name} ones may be fitted to, {LEAST} are needed"
        if len(shown) < FOLDS:
            return f"waits for labels: {name} ones are of {len(shown)} pictures, {FOLDS} are needed"
    return ""
