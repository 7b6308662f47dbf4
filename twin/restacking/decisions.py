"""What an epoch decides: back to an older stack, on to a better one, or all stays, and why."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from twin.events import EpochReached, GateRow, StackPromoted, StackRejected
from twin.reference import Reference
from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement
from twin.restacking.ledger import Ledger, LedgerCase
from twin.restacking.lineage import Lineage, digest_of
from twin.restacking.plan import GatePlan, RestackPlan
from twin.restacking.remedies import LEAST, Proposal, likelihood_ratio, propose
from twin.restacking.rollback import does_worse, due
from twin.restacking.rows import FOLDS, pictures_of
from twin.restacking.scores import answers, part_of, stack_log_odds
from twin.restacking.weighting import estimated_weights, strata_of, tertiles
from twin.stacks import StackVersion, plain

Judge = Callable[[Evidence, Side, Side, GatePlan], Judgement]
Decision = StackPromoted | StackRejected
_STRATA = 6  # referred or not, by tertiles of the score


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """The labels that an epoch decides on."""

    from_min: float
    known: Evidence  # weighted by what is known: the gate's
    fitted: Evidence  # weighted as the plan says, without what is held out


class Decider:
    """Decides on what a ledger holds.

    Parameters:
        base: version 0.
        reference: what the training images looked like.
        model_id: whose stack it is.
        plan: of re-stacking.
        judge: the gate.
    """

    def __init__(
        self,
        base: StackVersion,
        reference: Reference,
        model_id: str,
        plan: RestackPlan,
        judge: Judge,
    ) -> None:
        self._reference, self._model_id, self._plan, self._judge = reference, model_id, plan, judge
        self._log_ratio = likelihood_ratio(base, reference)

    def decide(
        self, epoch: EpochReached, last_min: float, ledger: Ledger, lineage: Lineage
    ) -> Decision:
        """Return what happens at an epoch; only what was received before it matters.

        Parameters:
            last_min: when the epoch before it was.
        """
        return (
            self._ordered(epoch, last_min, lineage)
            or self._gone_bad(epoch, ledger, lineage)
            or self._renewed(epoch, ledger, lineage)
        )

    def _ordered(self, epoch: EpochReached, last_min: float, lineage: Lineage) -> Decision | None:
        order = due(self._plan.orders, last_min, epoch.at_min)
        if order is None:
            return None
        if lineage.knows(order.version):
            return self._back(epoch, lineage, order.version, "somebody ordered it")
        return StackRejected(
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            version=lineage.in_force.number,
            verdict="rejected",
            how="rollback",
            window_from_min=epoch.at_min,
            labels=0,
            malignant=0,
            reason=f"somebody ordered stack {order.version} back, and there is none",
        )

    def _gone_bad(
        self, epoch: EpochReached, ledger: Ledger, lineage: Lineage
    ) -> StackPromoted | None:
        """Return to the parent if the stack in force does worse on labels that came after it."""
        latest = lineage.latest
        if not self._plan.rollback or latest.parent is None or latest.how == "rollback":
            return None
        later = ledger.evidence(latest.at_min, epoch.at_min)
        parent = lineage.version(latest.parent)
        reason = does_worse(
            later,
            parent,
            lineage.in_force,
            self._plan.gate or GatePlan(),
            epoch.epoch - latest.epoch,
        )
        if reason is None:
            return None
        return self._back(epoch, lineage, latest.parent, reason, later)

    def _back(
        self,
        epoch: EpochReached,
        lineage: Lineage,
        number: int,
        reason: str,
        later: Evidence | None = None,
    ) -> StackPromoted:
        origin = lineage.origin(number)
        return replace(
            lineage.event(origin),
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            version=lineage.in_force.number + 1,
            parent=lineage.in_force.number,
            how="rollback",
            restores=origin,
            window_from_min=lineage.in_force.from_min if later is not None else epoch.at_min,
            labels=0 if later is None else len(later),
            malignant=0 if later is None else int(later.malignant.sum()),
            facts={},
            gate=(),
            reason=f"stack {origin} comes back: {reason}",
        )

    def _renewed(self, epoch: EpochReached, ledger: Ledger, lineage: Lineage) -> Decision:
        """Fit a challenger and hold it against the stack in force."""
        champion = lineage.in_force
        window = self._window(epoch, ledger, lineage)
        if (reason := _too_few(window.fitted)) is not None:
            return self._refused(epoch, champion, window, "waiting", reason)
        found = propose(
            window.fitted, champion, self._reference, self._log_ratio, self._plan.remedies
        )
        if not found.how:
            return self._refused(epoch, champion, window, "kept", found.reason, found)
        if self._plan.gate is None:
            reason = f"{found.reason}; no gate was asked"
            return self._promoted(epoch, champion, window, found, (), reason)
        held_out = part_of(window.known, window.known.held_out)
        challenger = StackVersion(
            number=champion.number + 1, meta=found.meta, threshold=found.threshold
        )
        judged = self._judge(
            held_out,
            answers(champion, held_out),
            answers(challenger, held_out),
            self._plan.gate,
        )
        reason = f"{found.reason}; {judged.reason}"
        if judged.verdict == "pass":
            return self._promoted(epoch, champion, window, found, judged.rows, reason)
        verdict = {"fail": "rejected", "few": "waiting"}[judged.verdict]
        return self._refused(epoch, champion, window, verdict, reason, found, judged.rows)

    def _window(self, epoch: EpochReached, ledger: Ledger, lineage: Lineage) -> _Window:
        # After a rollback the labels that led astray are not fitted to again.
        from_min = max(epoch.at_min - self._plan.window_min, lineage.rolled_back_min, 0.0)
        cases = ledger.cases(from_min, epoch.at_min)
        known = ledger.evidence_of(cases)
        weighted = self._weighted(known, cases, ledger, lineage.in_force)
        return _Window(from_min=from_min, known=known, fitted=part_of(weighted, ~weighted.held_out))

    def _weighted(
        self, known: Evidence, cases: list[LedgerCase], ledger: Ledger, champion: StackVersion
    ) -> Evidence:
        if self._plan.weighting == "known":
            return known
        if self._plan.weighting == "none":
            return replace(known, weight=known.weight * 0 + 1.0)
        done = [case for case in cases if case.closed and not case.closed.left_early]
        scores, sketch = ledger.log_odds_of(done)
        of_done = stack_log_odds(champion.meta, scores, sketch)
        of_labels = stack_log_odds(champion.meta, known.log_odds, known.sketch)
        cuts = tertiles(of_done)
        referred = ledger.referred(done)
        return replace(
            known,
            weight=estimated_weights(
                strata_of_labels=strata_of(known.referred, of_labels, cuts),
                strata_of_closed=strata_of(referred, of_done, cuts),
                strata=_STRATA,
            ),
        )

    def _promoted(
        self,
        epoch: EpochReached,
        champion: StackVersion,
        window: _Window,
        found: Proposal,
        gate: tuple[GateRow, ...],
        reason: str,
    ) -> StackPromoted:
        stacks = plain(found.meta)
        inputs, penalty = found.meta.inputs, found.meta.penalty
        return StackPromoted(
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            version=champion.number + 1,
            parent=champion.number,
            how=found.how,
            model_id=self._model_id,
            threshold=found.threshold,
            penalty=penalty,
            inputs=inputs,
            stacks=stacks,
            digest=digest_of(found.threshold, penalty, inputs, stacks),
            window_from_min=window.from_min,
            labels=len(window.fitted),
            malignant=int(window.fitted.malignant.sum()),
            facts=found.facts,
            gate=gate,
            reason=reason,
        )

    def _refused(
        self,
        epoch: EpochReached,
        champion: StackVersion,
        window: _Window,
        verdict: str,
        reason: str,
        found: Proposal | None = None,
        gate: tuple[GateRow, ...] = (),
    ) -> StackRejected:
        tried = found if found is not None and found.how else None
        weights: dict[str, float] = {}
        if tried is not None:
            every = tried.meta.weights_for(tried.meta.learners)
            weights = {"intercept": every.intercept, **every.weights}
        return StackRejected(
            at_min=epoch.at_min,
            epoch=epoch.epoch,
            version=champion.number,
            verdict=verdict,
            how=tried.how if tried else "",
            threshold=tried.threshold if tried else None,
            weights=weights,
            window_from_min=window.from_min,
            labels=len(window.fitted),
            malignant=int(window.fitted.malignant.sum()),
            facts=found.facts if found else {},
            gate=gate,
            reason=reason,
        )


def _too_few(evidence: Evidence) -> str | None:
    """Return in words what is missing to fit anything; None if nothing is."""
    malignant = evidence.malignant
    labels = (int((~malignant).sum()), int(malignant.sum()))
    pictures = pictures_of(evidence.image, malignant)
    for name, count, shown in zip(("benign", "malignant"), labels, pictures, strict=True):
        if count < LEAST:
            return f"waits: {count} {name} labels to fit to, {LEAST} needed"
        if len(shown) < FOLDS:
            return f"waits: {name} labels of {len(shown)} pictures to fit to, {FOLDS} needed"
    return None
