"""What the labels of a run say, beside the truth about the same patients.

Clinics verify some patients and not others, so the labelled are no sample of all: the referred are
verified more often, and a sensitivity among them is too high (C. B. Begg, R. A. Greenes 1983,
Assessment of diagnostic tests when disease verification is subject to selection bias, Biometrics
39(1), 207-215). Weighted by the inverse of the probability of being verified, which the pathway
knows, sums over the labelled estimate sums over all (D. G. Horvitz, D. J. Thompson 1952).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from simulator.analysis.frames import Floats, Mask, Patients, Window
from simulator.clinic.journal import Journal
from twin.events import CaseArrived, CaseRejected, FeedbackReceived
from twin.labels import UNKNOWN_CASE, settle

SUMS: Final = ("all", "malignant", "hits", "benign", "passes")
Sums = list[float]  # in the order of SUMS


@dataclass(frozen=True, slots=True, kw_only=True)
class Messages:
    """What became of the messages of a run."""

    received: int
    apart: dict[str, int]  # those that do not count, by reason
    p_verified: Floats  # of the message that counts, shape (patients,); not-a-number without one


def messages_of(patients: Patients, journal: Journal) -> Messages:
    """Return the messages by what became of them, as `twin.labels.settle` says."""
    arrived = [event for event in journal.events if isinstance(event, CaseArrived)]
    place = {event.case_id: number for number, event in enumerate(arrived)}
    by_case: dict[str, list[FeedbackReceived]] = {}
    for event in journal.events:
        if isinstance(event, FeedbackReceived):
            by_case.setdefault(event.case_id, []).append(event)
    rejected = ~np.isnan(patients.column("rejected"))
    known = np.full(len(patients), np.nan)
    apart: Counter[str] = Counter()
    for case_id, some in by_case.items():
        number = place.get(case_id)
        if number is None:
            # Of a case that nobody knows; what is no class is so whatever case it is of.
            apart.update(settle(None, None, some).apart.values())
            continue
        case = arrived[number]
        # Every case has its answer on the log; settle asks of a verdict only that it is one.
        fault = CaseRejected(case_id=case_id, at_min=case.at_min, reason="")
        settled = settle(case, fault if rejected[number] else _verdict(case), some)
        apart.update(settled.apart.values())
        if settled.counts is not None:
            known[number] = settled.counts.p_verified
    return Messages(
        received=sum(map(len, by_case.values())),
        apart=dict(sorted(apart.items())),
        p_verified=known,
    )


def _verdict(case: CaseArrived) -> Any:  # noqa: ANN401  a stand-in: only its being there matters
    from twin.events import VerdictIssued

    return VerdictIssued(
        case_id=case.case_id,
        at_min=case.at_min,
        p_malignant=0.0,
        threshold=0.0,
        malignant=True,
        log_odds={},
        model_id="",
    )


def label_sums(patients: Patients, window: Window, messages: Messages) -> dict[str, Any]:
    """Return plain data: sums by truth and by label over patients with a verdict who have left.

    Labels of the latest patients are still on their way. So patients count only up to as long
    before the window's end as the slowest label of the run took; where that leaves nobody, all
    count, and `ripe` is False.
    """
    arrival_min = patients.column("arrival_min")
    label, labelled_min = patients.column("label"), patients.column("labelled_min")
    closed = ~np.isnan(patients.column("closed_min"))
    there = window.has(arrival_min) & closed & ~np.isnan(patients.column("p_malignant"))
    there &= ~np.isnan(patients.column("malignant"))
    took_min = (labelled_min - arrival_min)[there & ~np.isnan(label)]
    until_min = window.to_min - (float(took_min.max()) if len(took_min) else 0.0)
    ripe = bool((there & (arrival_min < until_min)).any())
    if ripe:
        there &= arrival_min < until_min
    labelled = there & ~np.isnan(label) & ~np.isnan(messages.p_verified)
    ill, says = patients.column("malignant") > 0, label > 0
    flagged = patients.column("flagged") > 0
    with np.errstate(divide="ignore"):
        weight = np.where(labelled, 1 / messages.p_verified, 0.0)
    ways = np.array(patients.words("way"), dtype=object)
    return {
        "from_min": window.from_min,
        "until_min": until_min if ripe else window.to_min,
        "ripe": ripe,
        "truth": _sums(ill, flagged, there.astype(float)),
        "unweighted": _sums(says, flagged, labelled.astype(float)),
        "weighted": _sums(says, flagged, weight),
        # By the truth about the labelled: what is left where no label is wrong.
        "true_weighted": _sums(ill, flagged, weight),
        "ways": {
            way: _way(says, ill, flagged, labelled & (ways == way))
            for way in sorted(set(ways[labelled].tolist()))
        },
    }


def _way(says: Mask, ill: Mask, flagged: Mask, here: Mask) -> dict[str, Any]:
    return {
        "sums": _sums(says, flagged, here.astype(float)),
        "wrong": int((says != ill)[here].sum()),
    }


def _sums(ill: Mask, flagged: Mask, weight: Floats) -> Sums:
    parts: Sequence[Mask] = (np.ones_like(ill), ill, ill & flagged, ~ill, ~ill & ~flagged)
    return [float(f"{float(weight[part].sum()):.12g}") for part in parts]


__all__ = ["SUMS", "UNKNOWN_CASE", "Messages", "label_sums", "messages_of"]
