"""Metrics and points in words, for people who do not know our names."""

from collections.abc import Mapping
from typing import Any, Final

from simulator.language.metrics import parse_metric

# What a statistic makes of a time: mean wait, 95th percentile of the wait.
_STATISTICS: Final = {
    "mean": "mean {what}",
    "p50": "median {what}",
    "p95": "95th percentile of the {what}",
    "max": "longest {what}",
}
_NODE: Final = {
    "number": "mean number waiting or served at {node}",
    "delayed": "share who wait at {node}",
    "blocked": "share who find the waiting room of {node} full",
    "balked": "share who turn away at the queue of {node}",
    "reneged": "share who leave the queue of {node} unserved",
    "visits": "visits to {node}",
}
_PLAIN: Final = {
    "number_in_system.mean": "mean number of patients in the clinic",
    "throughput.per_h": "patients who leave per hour",
    "patients.arrived": "patients who came",
    "patients.closed": "patients who finished their pathway",
    "patients.left": "patients who left before the end of their pathway",
    "prevalence": "prevalence of malignant lesions",
    "sensitivity": "sensitivity of the decision to refer",
    "specificity": "specificity of the decision to refer",
    "ppv": "positive predictive value of a referral",
    "npv": "negative predictive value of no referral",
    "missed_malignant.count": "malignant lesions missed",
    "missed_malignant.share": "share of malignant lesions missed",
    "biopsies.count": "referrals for biopsy",
    "biopsies.per_malignant": "biopsies for each malignant lesion found",
    "harm.melanoma_days": "days to diagnosis, summed over malignant patients",
    "ai.sensitivity": "AI sensitivity",
    "ai.specificity": "AI specificity",
    "ai.ppv": "AI positive predictive value",
    "ai.npv": "AI negative predictive value",
    "auc": "AI area under the ROC curve",
    "calibration_error": "AI calibration error",
    "verdicts.count": "AI verdicts",
    "verdicts.rejected": "patients whom the AI could not score",
    "verdicts.lost": "verdicts lost",
    "ai.balanced_accuracy": "AI balanced accuracy",
    "brier": "Brier score of the AI",
    "labels.count": "labels that the twin has",
    "labels.malignant": "labels that say malignant",
    "labels.wrong.share": "share of the labels that is wrong",
    "stacks.promoted": "stacks promoted",
    "stacks.rejected": "stacks refused by the gate",
    "stacks.waiting": "epochs with too few labels to decide",
    "stacks.rollbacks": "stacks put back",
    "upstream.count": "patients who sought care",
    "upstream.referred.share": "share of those seeking care who were referred to the clinic",
    "upstream.missed_malignant.count": "malignant patients who were never referred to the clinic",
}
KEYS: Final = {
    "class": "class",
    "truth": "truth",
    "flagged": "flagged by the AI",
    "sex": "sex",
    "age_band": "age band",
    "skin_tone": "skin tone",
    "site": "body site",
    "diagnosis": "diagnosis",
    "period": "period",
    "missing": "learners missing",
    "stack": "stack version",
}


def words(name: str) -> str:
    """Return what a metric is called in plain words.

    >>> words("wait.read.p95{class=urgent}"), words("utilisation.nurse")
    ('95th percentile of the wait at read (class urgent)', 'utilisation of nurse')
    """
    metric = parse_metric(name)
    if metric is None:
        return name
    said = _words(metric.name)
    if metric.key is None:
        return said
    return f"{said} ({KEYS.get(metric.key, metric.key)} {metric.value})"


def _words(name: str) -> str:
    if name in _PLAIN:
        return _PLAIN[name]
    head, _, rest = name.partition(".")
    middle, _, last = rest.rpartition(".")
    of = _STATISTICS.get(last, f"{{what}}, {last}")
    who = "" if middle == "all" else f" of {middle} patients"
    by_head = {
        "wait": of.format(what=f"wait at {middle}"),
        "queue": f"{'longest' if last == 'max' else 'mean'} queue at {middle}",
        "utilisation": f"utilisation of {rest}",
        "time_in_system": of.format(what="time in the clinic"),
        "time_to_diagnosis": of.format(what=f"time to diagnosis{who}"),
        **{key: said.format(node=middle) for key, said in _NODE.items()},
    }
    return by_head.get(head, name)


def sentence(said: str) -> str:
    """Return words as a sentence begins."""
    return said[:1].upper() + said[1:]


def per_cent(confidence: float) -> str:
    """Return a confidence level, such as 95 %."""
    return f"{confidence * 100:g} %"


def label(point: Mapping[str, Any]) -> str:
    """Return what tells a point from the others; empty where there is one.

    >>> label({"label": {"staff.nurse.count": 2}}), label({"label": {"scenario": "fifo"}})
    ('nurse.count = 2', 'fifo')
    """
    keys = axes(point)
    return ", ".join(
        str(found) if key == "scenario" else f"{keys[key]} = {_plain(found)}"
        for key, found in point["label"].items()
    )


def axes(point: Mapping[str, Any]) -> dict[str, str]:
    """Return the keys of a point's label with the short names that tell them apart."""
    short_names = {key: ".".join(key.split(".")[-2:]) for key in point["label"]}
    unique = len(set(short_names.values())) == len(short_names)
    return short_names if unique else {key: key for key in short_names}


def _plain(found: object) -> str:
    return f"{found:.4g}" if isinstance(found, float) else str(found)
