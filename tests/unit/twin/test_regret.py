"""A stack that was right while a shift lasted is regretted once it has ended."""

from loop_clinic import base, month, months

from twin.meta import MetaStack, MetaWeights
from twin.restacking.ledger import Ledger
from twin.restacking.regret import regretted
from twin.stacks import StackVersion

MONTH_MIN = 30 * 1440.0


def without_svm() -> StackVersion:
    """What a month with a blind SVM would ask for."""
    first = base().meta
    both = first.weights_for(first.learners)
    there = {"svm": 0.0, "knn": both.weights["knn"] * 1.3}
    meta = MetaStack(
        learners=first.learners,
        penalty=first.penalty,
        stacks={first.learners: MetaWeights(intercept=both.intercept, weights=there)},
    )
    return StackVersion(number=1, meta=meta, threshold=0.5)


def ledger_of(*blind: bool) -> Ledger:
    found = Ledger()
    parts = [month(place, blind=one, count=600) for place, one in enumerate(blind, start=1)]
    for event in months(*parts):
        found.note(event)
    return found


def test_a_stack_is_not_regretted_while_the_shift_lasts() -> None:
    ledger = ledger_of(True, True)
    assert regretted(ledger, base(), without_svm(), 2 * MONTH_MIN, None) == ""


def test_it_is_regretted_after_the_shift_whatever_it_was_worth_before() -> None:
    ledger = ledger_of(True, True, False)
    said = regretted(ledger, base(), without_svm(), 3 * MONTH_MIN, None)
    assert "version 0 comes back: on" in said
    labels = len(ledger.evidence(2 * MONTH_MIN, 3 * MONTH_MIN, base().meta.learners))
    assert f"on {labels} later labels" in said, "of the month after it alone"
