"""A stack that was fitted too early is fitted again to more labels of the same kind of patients.

Soon after a shift there are few labels: what is promoted then is better than what was there, and
not yet good. Weeks later the next fit is better by two or three points, which the few hundred
held-out pictures of a clinic cannot show; the first promotion would bar all that follow. But its
claim was to be better than the stack in force when the shift began, and the next one can make that
claim on its own. So where the champion was promoted since cases have looked as they do now,
hypotheses are tested in a fixed order, each at the full level, since the next one counts only if
all before it were shown (Maurer, Hothorn & Lehmacher 1995; Westfall & Krishen 2001): first that the
challenger beats the stack from before, by the whole gate, on labels that neither has seen. Then, by
estimate: that it is worse than the champion in nothing by more than the margins, and better in
log-loss or balanced accuracy; and a loss in a group must not be shown.
"""

from dataclasses import replace
from typing import Final

from twin.events import GateRow
from twin.restacking.gate import Judgement, gain_of

AGAINST: Final = "_against_earlier"  # after the metric's name: rows against the stack from before


def refreshed(now: Judgement, before: Judgement, earlier: int) -> Judgement:
    """Return what the gate says of a challenger that also faced the stack from before.

    Parameters:
        now: against the champion.
        before: the same challenger on the same labels against the stack from before.
        earlier: number of that stack.
    """
    if now.verdict == "pass" or before.verdict != "pass":
        return now
    rows = tuple(_by_estimate(row) for row in now.rows)
    gains = [
        gain_of(row)
        for row in rows
        if not row.group and row.metric in ("log_loss", "balanced_accuracy")
    ]
    refused = any(row.verdict == "fail" for row in rows)
    if refused or max(gains, default=0.0) <= 0.0:
        return now
    shown = tuple(
        replace(row, metric=row.metric + AGAINST)
        for row in before.rows
        if row.metric != "label_noise" and not row.group
    )
    reason = (
        f"passed against version {earlier}, in force when these cases began "
        f"({before.reason.partition(': ')[2]}), and not worse than the stack in force by estimate"
    )
    return Judgement("pass", (*rows, *shown), reason)


def _by_estimate(row: GateRow) -> GateRow:
    """Return a row of all cases by its estimate; rows of groups and labels as they are."""
    if row.metric == "label_noise" or row.group:
        return row
    if row.metric == "log_loss":
        return replace(row, verdict="pass")  # one of two gains, which are looked at together
    return replace(row, verdict="pass" if gain_of(row) >= -row.margin else "fail")
