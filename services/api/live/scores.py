"""Verdicts against labels, kept up to date: to go through all cases takes a quarter of a second."""

from collections import Counter, defaultdict

from twin.events import VerdictIssued
from twin.state import CaseState


class Scores:
    """How often the twin was right about the cases that are kept, by the stack that answered."""

    def __init__(self) -> None:
        self.by_stack: defaultdict[int, Counter[str]] = defaultdict(Counter)
        self._of: dict[str, tuple[int, str]] = {}  # case -> stack, and tp, fp, tn or fn

    def note(self, case_id: str, case: CaseState) -> None:
        """Take in how a case stands now."""
        if not case.feedback:
            return
        self.drop(case_id)
        score = score_of(case)
        if score is not None:
            self._of[case_id] = score
            self.by_stack[score[0]][score[1]] += 1

    def drop(self, case_id: str) -> None:
        """Let go of a case."""
        had = self._of.pop(case_id, None)
        if had is not None:
            self.by_stack[had[0]][had[1]] -= 1


def score_of(case: CaseState) -> tuple[int, str] | None:
    """Return which stack answered a case, and tp, fp, tn or fn; None without verdict or label.

    >>> score_of(CaseState())
    """
    if not isinstance(case.answer, VerdictIssued):
        return None
    malignant = case.settled().malignant
    if malignant is None:
        return None
    right = "t" if case.answer.malignant == malignant else "f"
    return case.answer.stack, right + ("p" if case.answer.malignant else "n")
