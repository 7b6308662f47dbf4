"""Decisions about stacks in plain words."""

from typing import Final

from twin.events import GateRow, StackPromoted, StackRejected

_DAY_MIN: Final = 1440.0
REMEDIES: Final = {
    "trained": "the stack that the model came with",
    "threshold": "a moved threshold, with the weights as they were",
    "recalibrate": "a recalibration: intercept and slope of the stack in force",
    "restack": "new weights, fitted to training scores and weighted labels",
    "refit": "new base learners",
    "rollback": "an earlier version brought back",
    "": "no remedy",
}
_METRICS: Final = {
    "auc": "the area under the ROC curve",
    "sensitivity": "sensitivity at the operating point",
    "specificity": "specificity at the operating point",
    "calibration_error": "the calibration error",
    "balanced_accuracy": "balanced accuracy",
    "label_noise": "the estimated share of wrong labels",
}
_VERDICTS: Final = {
    "pass": "within the margin",
    "fail": "not shown to be within the margin",
    "few": "too few labels to say",
}


def day(at_min: float) -> str:
    """Return a time in days.

    >>> day(2160)
    'day 1.5'
    """
    return f"day {at_min / _DAY_MIN:g}"


def word(event: StackPromoted | StackRejected) -> str:
    """Return what was decided, in one word."""
    if isinstance(event, StackRejected):
        return event.verdict
    return "rolled back" if event.how == "rollback" else "promoted"


def row_sentence(row: GateRow) -> str:
    """Return a line of a gate as a sentence.

    >>> row_sentence(GateRow(metric="auc", champion=0.9, challenger=0.93, change=0.03, low=0.01,
    ...     high=0.05, margin=0.01, labels=80, malignant=20, verdict="pass"))
    'For all cases, the area under the ROC curve goes from 0.900 to 0.930 (change +0.030, bounds \
+0.010 to +0.050; 0.010 may be lost; 80 labels, 20 malignant): within the margin.'
    """
    whom = f"For {row.group.replace('=', ' ')}" if row.group else "For all cases"
    metric = _METRICS.get(row.metric, row.metric.replace("_", " "))
    basis = f"{row.margin:.3f} may be lost; {row.labels} labels, {row.malignant} malignant"
    says = _VERDICTS.get(row.verdict, row.verdict)
    if row.challenger is None:
        return f"{whom}, {metric} cannot be worked out ({basis}): {says}."
    moves = (
        f"is {row.challenger:.3f}"
        if row.champion is None
        else f"goes from {row.champion:.3f} to {row.challenger:.3f}"
    )
    change = "" if row.change is None else f"change {row.change:+.3f}"
    if row.low is not None or row.high is not None:
        low, high = ("open" if one is None else f"{one:+.3f}" for one in (row.low, row.high))
        change += f"{', ' if change else ''}bounds {low} to {high}"
    return f"{whom}, {metric} {moves} ({change}{'; ' if change else ''}{basis}): {says}."


def explanation(event: StackPromoted | StackRejected) -> list[str]:
    """Return why a decision was taken, a sentence each."""
    since = f"cases that arrived from {day(event.window_from_min)} on"
    labels = f"It rests on {event.labels} labels of {since}, {event.malignant} of them malignant."
    if isinstance(event, StackRejected):
        said = [
            f"At epoch {event.epoch} ({day(event.at_min)}) stack {event.version} stays in force."
        ]
        match event.verdict:
            case "waiting":
                said.append("The twin waits for more labels.")
            case "kept":
                said.append("Nothing is to be gained by another stack.")
            case _:
                said.append(f"A challenger was rejected: {REMEDIES.get(event.how, event.how)}.")
    elif event.version == 0:
        said = ["Version 0 is the stack that the model came with; no label chose it."]
        labels = ""
    else:
        how = REMEDIES.get(event.how, event.how)
        said = [
            f"At epoch {event.epoch} ({day(event.at_min)}) version {event.version} replaced "
            f"version {event.parent}: {how}."
        ]
        if event.restores is not None:
            said.append(f"Its weights are those of version {event.restores}.")
    said += [labels] if labels else []
    said.append(f"Reason on the log: {event.reason}")
    return [*said, *(row_sentence(row) for row in event.gate)]
