"""Groups of patients who stand on a few lesions of a bank: their figures are held back.

Ten thousand patients with one lesion are one lesion: no interval over patients can tell.
"""

from collections.abc import Mapping
from typing import Any, Final

from simulator.analysis.measure import FEW

_MALIGNANT, _BENIGN = "malignant", "benign"
# What a figure of the AI or of a decision needs lesions of; the others are of no lesion's making.
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sensitivity": (_MALIGNANT,),
    "missed_malignant.share": (_MALIGNANT,),
    "ai.sensitivity": (_MALIGNANT,),
    "specificity": (_BENIGN,),
    "ai.specificity": (_BENIGN,),
    "auc": (_MALIGNANT, _BENIGN),
}


def hold_back(
    metrics: Mapping[str, dict[str, Any]], lesions: Mapping[str, Mapping[str, Mapping[str, int]]]
) -> None:
    """Take the values off figures of groups that stand on too few lesions, and say why.

    Parameters:
        metrics: of a point's summary, by name; changed in place.
        lesions: of the bank, by key and value of a group, and by truth.

    >>> answer = {"value": 1.0, "low": 0.9, "high": 1.0, "valid": True, "reason": ""}
    >>> hold_back({"sensitivity{site=ear}": answer}, {"site": {"ear": {"malignant": 2}}})
    >>> answer["value"], answer["reason"]
    (None, 'only 2 malignant lesions of the bank; 10 are needed')
    """
    for name, answer in metrics.items():
        head, _, group = name.partition("{")
        key, _, value = group.removesuffix("}").partition("=")
        there = lesions.get(key, {}).get(value)
        if there is None or answer["value"] is None:
            continue
        for truth in _NEEDS.get(head, ()):
            if there[truth] < FEW:
                reason = f"only {there[truth]} {truth} lesions of the bank; {FEW} are needed"
                answer |= {"value": None, "low": None, "high": None, "valid": False}
                answer["reason"] = reason
                break
