"""The labelled cases of a run's log, as a refit of the base learners uses them."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from twin.events import ComponentChanged, Event
from twin.learners.registry import LEARNERS
from twin.restacking.evidence import Evidence
from twin.restacking.ledger import Ledger, LedgerCase, evidence_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What a log says of labels up to a time, by the re-stacker's own ledger.

    So a picture is held out here if it is held out there, and no stack was fitted to it.
    """

    cases: tuple[LedgerCase, ...]  # with a label that counts, in order of arrival
    evidence: Evidence  # of the same cases; weights of the known verification probabilities
    apart: dict[str, int]  # messages that do not count, by reason


def labelled_cases(events: Iterable[Event], until_min: float = math.inf) -> Labelled:
    """Return the cases with a label that counts, of messages received before a time."""
    ledger = Ledger()
    for event in events:
        if not isinstance(event, ComponentChanged):
            ledger.note(event)
    # Those without a label tell how many patients the others stand for.
    cases = ledger.cases(-math.inf, until_min)
    return Labelled(
        cases=tuple(case for case in cases if case.label is not None),
        evidence=evidence_of(cases, tuple(LEARNERS)),
        apart=dict(sorted(ledger.apart(until_min).items())),
    )


def copies(evidence: Evidence) -> list[int]:
    """Return how often each case is put before the base learners, about len(evidence) in all.

    The learners' contract has no weights, so weights become copies: floor(n · wᵢ / Σ w + uᵢ) with
    a uniform number uᵢ of the case's own. Its mean is the weight's share of n, exactly
    (unbiased random rounding).
    """
    share = evidence.weight / evidence.weight.sum() * len(evidence)
    return [
        math.floor(wanted + _keyed(f"refit.copies:{case_id}"))
        for wanted, case_id in zip(share.tolist(), evidence.case_id, strict=True)
    ]


def _keyed(name: str) -> float:
    """Return a uniform number from 0 to 1 that belongs to a name."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2.0**64
