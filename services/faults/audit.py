"""What became of everything that was sent: the whole log, and the mirror held against its fold.

A fault may have the worker publish an answer again; the fold counts that and changes nothing, so
an identical repeat is told and is no error. Two *different* answers for one case are, and so is
whatever is counted twice.
"""

import time
import uuid
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeVar

from services.bus.port import Subscriber
from services.bus.topics import MIRRORED
from services.dead_letters.letter import TOPIC as DEAD_LETTERS
from services.faults.ledger import Ledger
from services.mirror.port import StateMirror
from twin.errors import DependencyError
from twin.state import TwinState, fingerprint

SETTLE_S: Final = 60.0  # a mirror that begins anew folds some thousand records a second: assumption
AGAIN_S: Final = 0.1
_MOST: Final = 1000
_POLL_S: Final = 0.2
_SHOWN: Final = 5  # cases that a line names

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """The record after the faults. `words` says what is wrong; it is empty where all is well."""

    sent: int
    answered: int  # of those, by a verdict or a rejection
    rejected: int  # cases whose answer of record is a rejection
    lost: int  # sent, and neither answered nor in the dead letters
    doubled: int  # cases with two different answers, or counted twice by fold or mirror
    labels: int  # cases with a label that counts
    labels_twice: int  # labels that fold, mirror or re-stacker counted more than once
    labels_lost: int  # cases that were labelled and have no label that counts
    mirror_equal: bool  # to the fold of the log
    dead_letters: int  # messages, each once
    letters_missing: int  # messages that were no events and are not in the dead letters
    repeats: int  # identical answers that were published again: no error
    letter_repeats: int  # dead letters that were written again: no error
    conflicts: int  # events of record that the fold refused as others' doubles
    counts: dict[str, int] = field(default_factory=dict)  # of the fold
    reasons: dict[str, int] = field(default_factory=dict)  # of the dead letters
    words: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Nothing was lost, doubled or counted twice, and the mirror is the fold."""
        return not self.words

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {**asdict(self), "passed": self.passed}


def audit(
    kafka: str,
    redis: str,
    prefix: str,
    sent: Collection[str],
    *,
    labelled: Collection[str] = (),
    settle_s: float = SETTLE_S,
) -> Audit:
    """Read the log of a twin from its beginning, and its mirror, once what was sent is answered.

    Parameters:
        sent: ids of all cases whose publication was acknowledged.
        labelled: ids of the cases of which a clinic has sent a sound label.
        settle_s: how long answers and the mirror may take to be there.

    Raises:
        DependencyError: Kafka or Redis cannot be read.
    """
    from services.bus.kafka_subscriber import KafkaSubscriber
    from services.mirror.redis_mirror import RedisMirror

    topics = (*MIRRORED, DEAD_LETTERS)
    group = f"audit-{uuid.uuid4().hex[:8]}"
    with ExitStack() as stack:
        log = KafkaSubscriber(kafka, prefix, topics, group)
        stack.callback(log.close)
        mirror = RedisMirror(redis, prefix)
        stack.callback(mirror.close)
        return audit_of(log, mirror, sent, labelled=labelled, settle_s=settle_s)


def audit_of(
    log: Subscriber,
    mirror: StateMirror,
    sent: Collection[str],
    *,
    labelled: Collection[str] = (),
    settle_s: float = SETTLE_S,
) -> Audit:
    """Audit what a subscriber reads from its beginning; see `audit`.

    Parameters:
        log: to the mirrored topics and the dead letters.
    """
    ledger = Ledger()
    deadline_s = time.monotonic() + settle_s
    while True:
        _patiently(lambda: _read_on(log, ledger), deadline_s)
        settled = not ledger.lost(sent) and not _waiting_letters(ledger)
        kept = _patiently(mirror.read_back, deadline_s)
        equal = fingerprint(kept) == fingerprint(ledger.state)
        if (settled and equal) or time.monotonic() > deadline_s:
            return _judged(ledger, kept, equal, sent, labelled)
        time.sleep(AGAIN_S)


def _patiently(call: Callable[[], Result], deadline_s: float) -> Result:
    """Ask again while a server is not back yet."""
    while True:
        try:
            return call()
        except DependencyError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(AGAIN_S)


def _read_on(log: Subscriber, ledger: Ledger) -> None:
    while sum(log.lag().values()) > 0:
        ledger.take(log.poll(_MOST, _POLL_S))


def _waiting_letters(ledger: Ledger) -> set[str]:
    return ledger.invalid - ledger.letters.keys()


def _judged(
    ledger: Ledger,
    kept: TwinState,
    equal: bool,
    sent: Collection[str],
    labelled: Collection[str],
) -> Audit:
    counts, fold = kept.counts, ledger.state.counts
    lost, doubled, with_label = ledger.lost(sent), ledger.doubled(), ledger.with_label()
    labels_lost = sorted(set(labelled) - with_label)
    answered = counts["verdicts"] + counts["rejections"]
    known = max(len(ledger.answers), fold["verdicts"] + fold["rejections"])
    over = max(0, answered - len(ledger.answers), known - len(ledger.answers))
    most = max(counts["labels"], fold["labels"], ledger.most_labels)
    twice = max(0, most - len(with_label))
    missing = _waiting_letters(ledger)
    words = [
        *_told(lost, "sent and never answered"),
        *_told(doubled, "with two different answers"),
        *([f"{over} answer(s) counted more than once"] if over else []),
        *([f"{twice} label(s) counted more than once"] if twice else []),
        *_told(labels_lost, "labelled, and no label counts"),
        *_told(sorted(missing), "no event and not in the dead letters", "message"),
        *([] if equal else [_difference(kept, ledger.state)]),
    ]
    return Audit(
        sent=len(set(sent)),
        answered=len(set(sent) & ledger.answers.keys()),
        rejected=fold["rejections"],
        lost=len(lost),
        doubled=len(doubled) + over,
        labels=len(with_label),
        labels_twice=twice,
        labels_lost=len(labels_lost),
        mirror_equal=equal,
        dead_letters=len(ledger.letters),
        letters_missing=len(missing),
        repeats=ledger.repeats,
        letter_repeats=ledger.letters.total() - len(ledger.letters),
        conflicts=fold["conflicts"],
        counts={name: number for name, number in fold.items() if number},
        reasons=dict(ledger.reasons.most_common()),
        words=words,
    )


def _told(which: list[str], what: str, kind: str = "case") -> list[str]:
    if not which:
        return []
    more = ", ..." if len(which) > _SHOWN else ""
    return [f"{len(which)} {kind}(s) {what}: {', '.join(which[:_SHOWN])}{more}"]


def _difference(kept: TwinState, fold: TwinState) -> str:
    """Return in words how the mirror differs from the fold."""
    told = [
        f"{name} {kept.counts.get(name, 0)} instead of {number}"
        for name, number in fold.counts.items()
        if kept.counts.get(name, 0) != number
    ]
    cases = [name for name, case in fold.cases.items() if kept.cases.get(name) != case]
    cases += [name for name in kept.cases if name not in fold.cases]
    told += _told(sorted(cases), "differ")
    return f"the mirror differs from the fold of the log: {'; '.join(told) or 'stacks differ'}"
