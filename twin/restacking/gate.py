"""The gate: may a challenger replace the champion? Paired, weighted, overall and by group.

In the order of the rows; the first that is not passed decides:

1. `label_noise`: are the labels to be believed, of all and of each group? Else nothing that is
   judged by them means anything. Refused where the share of labels that contradict the scores is
   likely above the limit and surely above half of it; waited for until it is surely below, in
   groups of less than one label in eight until it is likely below.
2. `auc`, `sensitivity` of all: shown to lose no more than the margin. A point estimate beyond the
   margin fails; where only the bound is beyond it, more labels are waited for.
   `calibration_error`, `balanced_accuracy` of all: the estimate is within the margin, and a loss
   beyond it is refused once any loss is shown. To show that there is none would take hundreds more
   held-out pictures: the standard error of either is .03 to .04 on two hundred.
3. The same of each group: not shown to lose, by bounds that hold for all groups together. To show
   the contrary for each would take more labels than a clinic ever gets; groups with too few to say
   anything are named.
4. `log_loss`, or `balanced_accuracy` where only decisions move: shown to be better. Who is merely
   not worse is not promoted. As all must hold on the same labels, and both gain and no loss of
   sensitivity must be shown, looking again each day adds little to the risk of a wrong promotion.

A stack that was promoted since cases have looked as they do now may be refreshed on easier terms
(twin/restacking/refresh.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final

from twin.events import GateRow
from twin.restacking.evidence import Evidence, Side
from twin.restacking.paired_metrics import (
    Change,
    Pairs,
    auc_change,
    calibration_change,
    log_loss_change,
    sensitivity_change,
    specificity_change,
)
from twin.restacking.plan import GatePlan
from twin.restacking.plausibility import NoiseEstimate, groups_of, label_noise

_DECIMALS: Final = 6
_LEAST: Final = 10.0  # effective labels of either class, below which nothing is said: assumption
_LARGE: Final = 1 / 8  # of the labels: with 30 % of them wrong, 4 % of all are
_SIGNS: Final = {"calibration_error": -1, "log_loss": -1}  # where lower is better
_WORDS: Final = {"fail": "refused", "few": "waits for labels", "pass": "passed"}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the gate says."""

    verdict: str  # "pass", "fail", or "few": too few labels to say
    rows: tuple[GateRow, ...]
    reason: str  # in words, naming the row that decided


def judge(
    evidence: Evidence,
    champion: Side,
    challenger: Side,
    plan: GatePlan,
    all_labels: Evidence | None = None,
) -> Judgement:
    """Hold a challenger against the champion on labels that neither has seen.

    Parameters:
        evidence: held-out cases alone, weighted by the inverse of their verification probability.
        all_labels: those fitted to, too; only for whether the labels can be believed.
    """
    z = NormalDist().inv_cdf(plan.confidence)
    believed = all_labels or evidence
    whole = len(believed)
    noise = [_noise_row(one, plan) for one in label_noise(believed, plan.per, z)]
    pairs = Pairs(
        malignant=evidence.malignant,
        weight=evidence.weight,
        cluster=evidence.image,
        champion=champion.p_malignant,
        challenger=challenger.p_malignant,
        champion_flags=champion.flagged,
        challenger_flags=challenger.flagged,
    )
    margins = {
        "auc": plan.auc_drop_max,
        "sensitivity": plan.sensitivity_drop_max,
        "balanced_accuracy": plan.sensitivity_drop_max,
        "calibration_error": plan.calibration_rise_max,
    }
    overall = [
        _row(pairs, "", name, margin, z, _RULES.get(name, _shown))
        for name, margin in margins.items()
    ]
    groups = list(groups_of(evidence, plan.per))
    # Of twenty groups one would seem to lose by chance: their bounds hold together (Bonferroni).
    share = (1.0 - plan.confidence) / max(1, len(groups) * len(margins))
    together = NormalDist().inv_cdf(1.0 - share)
    grouped = [
        _row(pairs.where(inside), group, name, margin, together, _not_refuted)
        for group, inside in groups
        for name, margin in margins.items()
    ]
    better = [
        _row(pairs, "", name, 0.0, z, _superior) for name in ("log_loss", "balanced_accuracy")
    ]
    only_decisions = better[0].change == 0.0
    best = next((row for row in better if row.verdict == "pass"), better[only_decisions])
    rows = (*noise, *overall, *grouped, best)
    blocking = [
        row
        for row in rows
        if row.verdict == "fail" or (row.verdict == "few" and _waited_for(row, whole))
    ]
    # What refuses is told before what would be waited for: more labels would not mend it.
    blocking.sort(key=lambda row: row.verdict != "fail")
    if not blocking:
        return Judgement("pass", rows, f"passed: {_told(best)}")
    return Judgement(
        blocking[0].verdict, rows, f"{_WORDS[blocking[0].verdict]}: {_told(blocking[0])}"
    )


def gain_of(row: GateRow) -> float:
    """Return by how much the challenger is better; minus infinity where it cannot be told."""
    change = float("-inf") if row.change is None else row.change
    return change if row.change is None else _SIGNS.get(row.metric, 1) * change


def _waited_for(row: GateRow, whole: int) -> bool:
    if row.metric == "label_noise" and row.group:
        return row.labels >= _LARGE * whole or (row.challenger or 0.0) > row.margin
    return not row.group


def _noise_row(found: NoiseEstimate, plan: GatePlan) -> GateRow:
    most = plan.label_noise_max
    shown = found.share > most and found.low > most / 2
    verdict = "fail" if shown else "few" if found.high > most else "pass"
    return GateRow(
        metric="label_noise",
        group=found.group,
        challenger=found.share,
        low=found.low,
        high=found.high,
        margin=most,
        labels=found.labels,
        malignant=found.malignant,
        verdict=verdict,
    )


Rule = Callable[[float, float, float, float], str]  # gain, its bounds, margin -> verdict


def _shown(gain: float, low: float, high: float, margin: float) -> str:
    del high
    return "pass" if low >= -margin else "fail" if gain < -margin else "few"


def _likely(gain: float, low: float, high: float, margin: float) -> str:
    del low
    return "pass" if gain >= -margin else "fail" if high < 0 else "few"


def _not_refuted(gain: float, low: float, high: float, margin: float) -> str:
    del low
    return "fail" if gain < -margin and high < 0 else "pass"


def _superior(gain: float, low: float, high: float, margin: float) -> str:
    del high, margin
    return "pass" if low > 0 else "few" if gain > 0 else "fail"


_RULES: Final[dict[str, Rule]] = {"balanced_accuracy": _likely, "calibration_error": _likely}


def _row(pairs: Pairs, group: str, metric: str, margin: float, z: float, rule: Rule) -> GateRow:
    labels, malignant = len(pairs), int(pairs.malignant.sum())
    about = {"metric": metric, "group": group, "margin": margin}
    counts = {"labels": labels, "malignant": malignant}
    if min(malignant, labels - malignant) < 2:
        return GateRow(**about, **counts, verdict="few")  # type: ignore[arg-type]  # both kinds
    found = _METRICS[metric](pairs)
    sign = _SIGNS.get(metric, 1)
    bounds = sorted((sign * found.low(z), sign * found.high(z)))
    verdict = rule(sign * found.change, bounds[0], bounds[1], margin)
    if found.effective < _LEAST:
        verdict = "few"
    values = {
        name: round(value, _DECIMALS)
        for name, value in (
            ("champion", found.champion),
            ("challenger", found.challenger),
            ("change", found.change),
            ("low", found.low(z)),
            ("high", found.high(z)),
        )
    }
    return GateRow(**about, **values, **counts, verdict=verdict)  # type: ignore[arg-type]


def _balanced(pairs: Pairs) -> Change:
    """Return the change of the mean of sensitivity and specificity: they are independent."""
    ill, well = sensitivity_change(pairs), specificity_change(pairs)
    return Change(
        champion=(ill.champion + well.champion) / 2,
        challenger=(ill.challenger + well.challenger) / 2,
        change=(ill.change + well.change) / 2,
        se=float((ill.se**2 + well.se**2) ** 0.5 / 2),
        effective=min(ill.effective, well.effective),
    )


_METRICS: Final[dict[str, Callable[[Pairs], Change]]] = {
    "auc": auc_change,
    "sensitivity": sensitivity_change,
    "balanced_accuracy": _balanced,
    "calibration_error": calibration_change,
    "log_loss": log_loss_change,
}


def _told(row: GateRow) -> str:
    name = row.metric.replace("_", " ")
    of = f" of {row.group}" if row.group else ""
    on = f"on {row.labels} labels, {row.malignant} malignant"
    if row.metric == "label_noise":
        return (
            f"about {row.challenger or 0:.0%} of the labels{of} contradict the scores "
            f"({row.low or 0:.0%} to {row.high or 0:.0%}; up to {row.margin:.0%} is believed), {on}"
        )
    if row.change is None:
        return f"{name}{of} cannot be judged {on}"
    return (
        f"{name}{of} {row.champion:.3f} → {row.challenger:.3f}, change {row.change:+.3f} "
        f"({row.low:+.3f} to {row.high:+.3f}), {on}"
    )
