"""What verdicts and decisions were worth, overall and by group."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np

from simulator.analysis.frames import Floats, Mask, Patients, Window
from simulator.language.form import ScenarioForm
from twin.evaluate import auc, calibration_error

_FEW = 10  # cases; with fewer a group of one run has no calibration error: assumption
_DAY_MIN = 1440.0


class Sheet(Protocol):
    """Where figures are kept."""

    window: Window
    values: dict[str, float]
    ratios: dict[str, tuple[float, float]]
    missing: dict[str, str]

    def put(self, name: str, value: float, n: int) -> None:
        """Keep a value that rests on `n` cases."""
        ...

    def put_share(self, name: str, part: float, whole: float, why: str) -> None:
        """Keep a part of a whole, or why there is none."""
        ...


def diagnose(sheet: Sheet, scenario: ScenarioForm, patients: Patients, inside: Mask) -> None:
    """Compare decisions and verdicts with the truth, over patients who have left.

    The prevalence is that of all who came.
    """
    malignant = patients.column("malignant")
    for where, mask in _groups(patients, inside & ~np.isnan(malignant)):
        ill_here, n = int((malignant[mask] > 0).sum()), int(mask.sum())
        sheet.put_share(f"prevalence{where}", ill_here, n, "no patients")
    closed = inside & ~np.isnan(patients.column("closed_min"))
    ill = malignant > 0
    referred = patients.column("referred") > 0
    decides = scenario.decides()
    if decides:
        for where, mask in _groups(patients, closed):
            _decisions(sheet, where, ill[mask], referred[mask])
        _harm(sheet, scenario, patients, closed & ill, referred)
    if scenario.scores():
        p_malignant, flagged = patients.column("p_malignant"), patients.column("flagged")
        answered = closed & ~np.isnan(p_malignant)
        for where, mask in _groups(patients, answered):
            _verdicts(sheet, where, ill[mask], flagged[mask] > 0, p_malignant[mask])
            if scenario.is_looped:
                _looped(sheet, where, ill[mask], flagged[mask] > 0, p_malignant[mask])
        n = int(answered.sum())
        sheet.put("verdicts.count", float(n), n)
        unanswered = closed & np.isnan(p_malignant) & ~(patients.column("left_early") > 0)
        lost = unanswered & np.isnan(patients.column("rejected"))
        rejected = int((~np.isnan(patients.column("rejected"))[closed]).sum())
        sheet.put("verdicts.rejected", float(rejected), int(closed.sum()))
        sheet.put("verdicts.lost", float(lost.sum()), int(closed.sum()))


def _groups(patients: Patients, mask: Mask) -> Iterator[tuple[str, Mask]]:
    yield "", mask
    for key, value, group in patients.groups():
        yield f"{{{key}={value}}}", mask & group


def _decisions(sheet: Sheet, where: str, ill: Mask, referred: Mask) -> None:
    hits, misses = int((ill & referred).sum()), int((ill & ~referred).sum())
    alarms, passes = int((~ill & referred).sum()), int((~ill & ~referred).sum())
    share = _sharing(sheet, where)
    share("sensitivity", hits, hits + misses, "malignant cases")
    share("specificity", passes, passes + alarms, "benign cases")
    share("ppv", hits, hits + alarms, "referred patients")
    share("npv", passes, passes + misses, "patients not referred")
    share("missed_malignant.share", misses, hits + misses, "malignant cases")
    share("biopsies.per_malignant", hits + alarms, hits, "malignant cases among the referred")
    n = len(ill)
    sheet.put(f"missed_malignant.count{where}", float(misses), n)
    sheet.put(f"biopsies.count{where}", float(hits + alarms), n)


def _verdicts(sheet: Sheet, where: str, ill: Mask, flagged: Mask, p_malignant: Floats) -> None:
    hits, misses = int((ill & flagged).sum()), int((ill & ~flagged).sum())
    alarms, passes = int((~ill & flagged).sum()), int((~ill & ~flagged).sum())
    share = _sharing(sheet, where)
    share("ai.sensitivity", hits, hits + misses, "malignant cases")
    share("ai.specificity", passes, passes + alarms, "benign cases")
    share("ai.ppv", hits, hits + alarms, "flagged patients")
    share("ai.npv", passes, passes + misses, "patients not flagged")
    _area(sheet, where, ill, p_malignant)
    few = _FEW if where else 1
    if len(ill) < few:
        sheet.missing[f"calibration_error{where}"] = f"fewer than {few} cases"
    else:
        sheet.put(f"calibration_error{where}", calibration_error(p_malignant, ill), len(ill))


def _looped(sheet: Sheet, where: str, ill: Mask, flagged: Mask, p_malignant: Floats) -> None:
    """Keep what is told of runs in which the stack may change.

    Balanced accuracy is kept as a share of pairs of a malignant and a benign patient, half a point
    for each one that is told right: of one run that is (sensitivity + specificity) / 2, and runs
    pool by their pairs, as the area under the ROC curve does.
    """
    sick, well = int(ill.sum()), int((~ill).sum())
    hits, passes = int((ill & flagged).sum()), int((~ill & ~flagged).sum())
    right, name = hits * well + passes * sick, f"ai.balanced_accuracy{where}"
    if not sick or not well:
        sheet.missing[name] = "fewer than 1 cases of one class"
    else:
        sheet.put(name, right / (2 * sick * well), len(ill))
        if where:
            sheet.ratios[name] = (float(right), float(2 * sick * well))
    squares = float(((p_malignant - ill) ** 2).sum())
    sheet.put_share(f"brier{where}", squares, len(ill), "no verdicts")


def _area(sheet: Sheet, where: str, ill: Mask, p_malignant: Floats) -> None:
    """Keep the area under the ROC curve; of a group as a share of pairs, so that it pools.

    The area is the share of pairs of a malignant and a benign patient in which the malignant one
    has the higher probability: J. A. Hanley, B. J. McNeil (1982), Radiology 143(1), 29-36.
    """
    name, pairs = f"auc{where}", int(ill.sum()) * int((~ill).sum())
    if not pairs:
        sheet.missing[name] = "fewer than 1 cases of one class"
        return
    area = auc(p_malignant, ill)
    assert area is not None  # both classes occur
    sheet.put(name, area, len(ill))
    if where:
        sheet.ratios[name] = (area * pairs, float(pairs))


def _sharing(sheet: Sheet, where: str) -> Callable[[str, float, float, str], None]:
    def share(name: str, part: float, whole: float, what: str) -> None:
        # However few: replications are pooled first, and only then is a group too small.
        sheet.put_share(f"{name}{where}", part, whole, f"no {what}")

    return share


def _harm(
    sheet: Sheet, scenario: ScenarioForm, patients: Patients, ill: Mask, referred: Mask
) -> None:
    closed_min, diagnosed_min = patients.column("closed_min"), patients.column("diagnosed_min")
    found_min = np.where(np.isnan(diagnosed_min), closed_min, diagnosed_min)
    delay_min = found_min - patients.column("arrival_min")
    delay_min = delay_min + np.where(referred, 0.0, scenario.decision.missed_delay_min)
    n = int(ill.sum())
    sheet.put("harm.melanoma_days", float(delay_min[ill].sum()) / _DAY_MIN, n)
