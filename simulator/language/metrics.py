"""The names of everything a run measures: one name each, in gates, reports, sweeps, comparisons.

A name may carry a group in braces: `wait.read.mean{class=urgent}`, `sensitivity{skin_tone=V-VI}`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from simulator.language.experiment import kind_of, parse_bound
from simulator.language.form import ScenarioForm
from simulator.language.nearest import nearest
from simulator.language.periods import periods
from simulator.language.stress_metrics import OF_STRESS, SHARES
from simulator.language.words import listed, shown
from twin.groups import AGE_BANDS, SKIN_TONES

STATISTICS: Final = ("mean", "p50", "p95", "max")
_VALUES: Final = {
    "truth": ("malignant", "benign"),
    "flagged": ("yes", "no"),
    "sex": ("female", "male"),
    "age_band": AGE_BANDS,
    "skin_tone": tuple(SKIN_TONES),
}
_NAME: Final = re.compile(r"(?P<name>[^{}\s]+)(?:\{(?P<key>[a-z_]+)=(?P<value>[^{}=]+)\})?")

Unit = Literal["min", "share", "number"]
_SHARES: Final = frozenset(
    {"prevalence", "sensitivity", "specificity", "ppv", "npv", "auc", "calibration_error"}
    | {"ai.sensitivity", "ai.specificity", "ai.ppv", "ai.npv", "ai.balanced_accuracy", "brier"}
)

# What decisions are worth, and what a name is: shown in the report and in the reference.
DIAGNOSTIC: Final = {
    "prevalence": "share of the patients who came that is malignant",
    "sensitivity": "share of malignant patients who are referred",
    "specificity": "share of benign patients who are not referred",
    "ppv": "share of referred patients who are malignant",
    "npv": "share of patients not referred who are benign",
    "missed_malignant.count": "malignant patients who left without referral",
    "missed_malignant.share": "their share of the malignant",
    "biopsies.count": "referred patients",
    "biopsies.per_malignant": "referred patients for each malignant one among them",
    "harm.melanoma_days": "days from arrival to diagnosis, summed over malignant patients; for "
    "those missed plus decision.missed_delay",
    "ai.sensitivity": "share of malignant patients whom the AI flags",
    "ai.specificity": "share of benign patients whom the AI does not flag",
    "ai.ppv": "share of the patients whom the AI flags that is malignant",
    "ai.npv": "share of the patients whom the AI does not flag that is benign",
    "auc": "area under the ROC curve of the AI's probability",
    "calibration_error": "expected calibration error of the AI's probability",
    "verdicts.count": "verdicts that the AI gave",
    "verdicts.rejected": "patients whom the AI could not score",
    "verdicts.lost": "patients who should have a verdict and have none",
}
OF_NODE: Final = {
    "wait": "time waited in a node's queue, minutes",
    "queue": "patients waiting at a node: time average and most",
    "number": "patients waiting or served at a node: time average",
    "delayed": "share of visits that had to wait",
    "blocked": "share of visits that found the waiting room full",
    "balked": "share of visits turned away at the sight of the queue",
    "reneged": "share of visits that left before they were served",
    "visits": "visits begun",
}
OF_ALL: Final = {
    "utilisation": "share of the time on duty that a staff group works",
    "time_in_system": "from arrival to leaving, minutes",
    "time_to_diagnosis": "from arrival to the diagnosis, minutes",
    "number_in_system.mean": "patients in the clinic, time average",
    "throughput.per_h": "patients who leave per hour",
    "patients.arrived": "patients who came",
    "patients.closed": "patients who left at the end of their pathway",
    "patients.left": "patients who left before: balked, reneged or blocked",
}
# Only where a referral keeps some of those who seek care from coming.
UPSTREAM: Final = {
    "upstream.count": "patients who sought care, whether or not they came",
    "upstream.referred.share": "share of them who were referred, and so came",
    "upstream.missed_malignant.count": "malignant patients among them who were not referred",
}

# Only where something comes back to the twin, or changes it: labels, epochs, faults.
OF_LOOP: Final = {
    "ai.balanced_accuracy": "mean of the AI's sensitivity and specificity",
    "brier": "Brier score: mean squared error of the AI's probability",
    "labels.count": "patients of whom the twin has a label at the end of the run",
    "labels.malignant": "those whose label is malignant",
    "labels.wrong.share": "share of the labels that is not the truth",
    "stacks.promoted": "stacks that were promoted, rollbacks left out",
    "stacks.rejected": "stacks that the gate refused",
    "stacks.waiting": "epochs at which there were too few labels to decide",
    "stacks.rollbacks": "times that an earlier stack was put back",
}


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric's name taken apart."""

    name: str
    key: str | None = None  # of the group, such as skin_tone
    value: str | None = None  # of the group, such as V-VI

    def __str__(self) -> str:
        return self.name if self.key is None else f"{self.name}{{{self.key}={self.value}}}"


def parse_metric(text: str) -> MetricName | None:
    """Return the parts of a metric's name, or None if it has no such form.

    >>> parse_metric("wait.read.p95{class=urgent}").value
    'urgent'
    """
    match = _NAME.fullmatch(text.strip())
    return MetricName(match["name"], match["key"], match["value"]) if match else None


def names(scenario: ScenarioForm) -> list[str]:
    """Return the names that a scenario's runs measure, without groups."""
    if scenario.stress is not None:
        return [name for name in OF_STRESS if _under_load(scenario, name)]
    found = []
    for node in scenario.staffed():
        found += [f"wait.{node.id}.{statistic}" for statistic in STATISTICS]
        found += [f"queue.{node.id}.mean", f"queue.{node.id}.max", f"number.{node.id}.mean"]
        shares = ("delayed", "blocked", "balked", "reneged")
        found += [f"{name}.{node.id}.share" for name in shares]
        found.append(f"visits.{node.id}.count")
    found += [f"utilisation.{name}" for name in scenario.staff]
    found += [f"time_in_system.{statistic}" for statistic in STATISTICS]
    truth = scenario.has_truth()
    for who in ("all", "malignant") if truth else ("all",):
        found += [f"time_to_diagnosis.{who}.{statistic}" for statistic in STATISTICS]
    found += [name for name in OF_ALL if "." in name]
    found += UPSTREAM if scenario.is_filtered() else ()
    if truth:
        decides = scenario.decides()
        of_ai = ("ai.", "auc", "calibration", "verdicts.")
        found += [
            name
            for name in DIAGNOSTIC
            if name == "prevalence" or (scenario.scores() if name.startswith(of_ai) else decides)
        ]
    return found + [name for name in OF_LOOP if _in_loop(scenario, name)]


def _under_load(scenario: ScenarioForm, name: str) -> bool:
    """Return whether a scenario's stress run has what a metric is about."""
    if name == "recovery_s.max":
        return bool(scenario.disturbances)
    knee = scenario.stress is not None and scenario.stress.profile.knee is not None
    return knee or name != "knee.rate_per_s"


def _in_loop(scenario: ScenarioForm, name: str) -> bool:
    """Return whether a scenario's loop has what a metric is about."""
    if name.startswith("labels."):
        return scenario.feedback is not None
    if name.startswith("stacks."):
        return scenario.restack is not None
    return scenario.is_looped and scenario.has_truth() and scenario.scores()


def groups(scenario: ScenarioForm) -> dict[str, tuple[str, ...]]:
    """Return the groups that figures are broken down by; no values means any."""
    found: dict[str, tuple[str, ...]] = {}
    if scenario.stress is not None:
        return found
    if len(scenario.classes) > 1:
        found["class"] = tuple(one.id for one in scenario.classes)
    if scenario.has_truth():
        found |= {key: _VALUES[key] for key in ("truth", "sex", "age_band", "skin_tone")}
        found["site"] = ()
        if _diagnosed(scenario):
            found["diagnosis"] = ()
        if scenario.scores():
            found["flagged"] = _VALUES["flagged"]
    if scenario.shifts:
        found["period"] = tuple(period.name for period in periods(scenario))
    if scenario.outages:
        found["missing"] = ("yes", "no")
    if scenario.restack is not None:
        found["stack"] = ()
    return found


def _diagnosed(scenario: ScenarioForm) -> bool:
    """Return whether patients have a diagnosis: nominal ones, where the scenario asks for it."""
    specs = (scenario.population_of(one) for one in scenario.patient_classes)
    told = any(spec is not None and spec.diagnoses is not None for spec in specs)
    return scenario.has_images or bool(scenario.shifts) or told


def is_grouped(name: str) -> bool:
    """Return whether a metric is also given by group."""
    if name.startswith("wait."):
        return True
    if name.startswith(("time_in_system.", "time_to_diagnosis.all.")):
        return not name.endswith(".max")
    if name in OF_LOOP:
        return not name.startswith("stacks.")
    return name in DIAGNOSTIC and not name.startswith(("harm.", "verdicts."))


def unit_of(name: str) -> Unit:
    """Return what a metric is counted in.

    >>> unit_of("wait.read.p95"), unit_of("sensitivity{sex=male}"), unit_of("visits.read.count")
    ('min', 'share', 'number')
    """
    name = name.partition("{")[0]
    if name.startswith(("wait.", "time_in_system.", "time_to_diagnosis.")):
        return "min"
    if name.startswith("utilisation.") or name.endswith(".share") or name in _SHARES | SHARES:
        return "share"
    return "number"


def check_bound(metric: str, written: str) -> Iterator[str]:
    """Yield why a metric cannot be compared with a bound as it is written."""
    bound, unit = kind_of(written), unit_of(metric)
    if unit == "min" and bound != "duration":
        yield f"{written!r} is no duration: {metric} is a time, so give a unit, as in '30 min'"
    if unit == "share" and (bound == "duration" or not 0 <= parse_bound(written) <= 1):
        yield f"{written!r} is no share: {metric} is one; write such as 0.85 or '85 %'"
    if unit == "number" and bound != "number":
        yield f"{written!r} is no plain number, and {metric} is one"


def _elsewhere(scenario: ScenarioForm, name: str) -> str:
    """Return why a scenario does not measure a metric that others do; empty if none does."""
    if scenario.stress is None:
        if name not in OF_STRESS:
            return ""
        return f"{name} is measured under load alone: give stress, and run dermtwin stress"
    if name == "recovery_s.max":
        return f"{name} is that of faults, and nothing is done to the twin"
    if name == "knee.rate_per_s":
        return f"{name} is that of a knee, and the profile is {scenario.stress.profile.kind}"
    if name.partition(".")[0] in {*OF_NODE, *OF_ALL} or name in {*DIAGNOSTIC, *OF_LOOP, *UPSTREAM}:
        reason = "is measured in a clinic's run, and a stress run has no patients who wait or leave"
        return f"{name} {reason}: ask for such as latency.p99_ms, or give gates: []"
    return ""


def check_metric(scenario: ScenarioForm, text: str) -> Iterator[str]:
    """Yield why no run of the scenario measures what a text names; nothing if one does."""
    metric = parse_metric(text)
    if metric is None:
        yield f"{shown(text)} is no metric; expected such as 'wait.read.p95{{class=urgent}}'"
        return
    known = names(scenario)
    if metric.name not in known:
        if why := _elsewhere(scenario, metric.name):
            yield why
            return
        of = "" if nearest(metric.name, known) else f" (known: {listed(known)})"
        yield f"no metric {shown(metric.name)}{nearest(metric.name, known)}{of}"
        return
    if metric.key is None:
        return
    by = groups(scenario)
    if metric.key not in by:
        yield f"no group {metric.key!r}{nearest(metric.key, list(by))} (known: {listed(by)})"
    elif by[metric.key] and metric.value not in by[metric.key]:
        yield f"{metric.key} is never {shown(metric.value)} (known: {listed(by[metric.key])})"
    elif not is_grouped(metric.name):
        yield f"{metric.name!r} is not given by group"
