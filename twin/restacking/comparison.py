"""What another stack would have said of the cases of a log, and what each learner contributed."""

from collections.abc import Iterable
from dataclasses import dataclass

from twin.errors import InvariantError
from twin.events import StackPromoted, VerdictIssued
from twin.meta import INPUT
from twin.stacks import StackVersion

# Probabilities are in steps of 1e-6; more than that is not rounding.
_TOLERANCE = 2e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One case under two stacks."""

    case_id: str
    answered_by: int  # version that answered it in the run
    p_a: float
    p_b: float
    malignant_a: bool
    malignant_b: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All cases of a log under two stacks."""

    cases: int
    incomparable: int  # cases whose verdict has no sketch, which one of the stacks weighs
    newly_malignant: int  # benign by A, malignant by B
    newly_benign: int
    most_changed: tuple[Changed, ...]  # called otherwise ones first, then by difference


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A verdict as a sum: log-odds = intercept + Σ contributions."""

    case_id: str
    version: int
    p_malignant: float
    threshold: float
    malignant: bool
    missing: tuple[str, ...]
    intercept: float  # nats
    contributions: dict[str, float]  # weight · log-odds, nats; columns of the sketch, too
    log_odds: float  # of malignancy, nats; their sum


def columns_of(verdict: VerdictIssued) -> dict[str, float]:
    """Return what a meta-learner may weigh of a case: learners' log-odds and sketch."""
    sketch = {f"{INPUT}{place}": value for place, value in enumerate(verdict.sketch)}
    return {**verdict.log_odds, **sketch}


def compare(
    a: StackVersion, b: StackVersion, verdicts: Iterable[VerdictIssued], most: int = 10
) -> Comparison:
    """Return which cases B would call otherwise than A, all on the scores of the log.

    Parameters:
        most: how many of the most changed cases are returned.
    """
    cases = incomparable = 0
    changed: list[Changed] = []
    needed = {*a.meta.inputs, *b.meta.inputs}
    for verdict in verdicts:
        cases += 1
        columns = columns_of(verdict)
        if not needed <= set(columns):
            incomparable += 1
            continue
        p_a, p_b = (one.meta.weights_for(verdict.log_odds).p_malignant(columns) for one in (a, b))
        changed.append(
            Changed(
                case_id=verdict.case_id,
                answered_by=verdict.stack,
                p_a=p_a,
                p_b=p_b,
                malignant_a=p_a >= a.threshold,
                malignant_b=p_b >= b.threshold,
            )
        )
    changed.sort(
        key=lambda one: (
            one.malignant_a == one.malignant_b,
            -abs(one.p_b - one.p_a),
            one.case_id,
        )
    )
    return Comparison(
        cases=cases,
        incomparable=incomparable,
        newly_malignant=sum(one.malignant_b and not one.malignant_a for one in changed),
        newly_benign=sum(one.malignant_a and not one.malignant_b for one in changed),
        most_changed=tuple(one for one in changed[:most] if one.p_a != one.p_b),
    )


def explain(verdict: VerdictIssued, stack: StackVersion) -> Explained:
    """Return each learner's contribution to a case's log-odds.

    Raises:
        InvariantError: the stack does not give the verdict's probability.
    """
    if verdict.stack != stack.number:
        raise InvariantError(f"stack {verdict.stack} answered it, not stack {stack.number}")
    columns = columns_of(verdict)
    found = stack.meta.weights_for(verdict.log_odds)
    p_malignant = found.p_malignant(columns)
    if abs(p_malignant - verdict.p_malignant) > _TOLERANCE:
        raise InvariantError(
            f"case {verdict.case_id}: stack {stack.number} gives {p_malignant:.6f} from its "
            f"scores, and the log says {verdict.p_malignant:.6f}"
        )
    parts = {name: weight * columns[name] for name, weight in found.weights.items()}
    return Explained(
        case_id=verdict.case_id,
        version=stack.number,
        p_malignant=verdict.p_malignant,
        threshold=verdict.threshold,
        malignant=verdict.malignant,
        missing=verdict.missing,
        intercept=found.intercept,
        contributions=parts,
        log_odds=found.intercept + sum(parts.values()),
    )


def weights_of(event: StackPromoted) -> dict[str, float]:
    """Return the weights of the stack of all learners, the intercept first."""
    joined = max(event.stacks, key=lambda name: name.count("+"))
    intercept, *weights = event.stacks[joined]
    names = (*joined.split("+"), *event.inputs)
    return {"intercept": intercept, **dict(zip(names, weights, strict=True))}
