"""Messages that nobody should send, sent among the others."""

import itertools
from collections.abc import Callable, Sequence
from typing import Final

from services.bus.port import MAX_RAW_BYTES, Publisher
from twin.events import CaseArrived, CaseClosed, FeedbackReceived
from twin.images import name_of
from twin.log import SCHEMA_OF, TOPIC_OF

SCHEMA: Final = SCHEMA_OF[CaseArrived]
TOPIC: Final = TOPIC_OF[CaseArrived]
COUNT: Final = 10  # where a scenario does not say how many
CORRUPT: Final[tuple[tuple[str, bytes], ...]] = (
    (SCHEMA, b"not JSON"),
    (SCHEMA, b""),
    (SCHEMA, b"\x00\xff\xfe\x9d" * 16),
    (SCHEMA, b'{"case_id":"half'),
    (SCHEMA, b'{"case_id":"c","at_min":NaN,"image":{"kind":"blob","sha256":"0"}}'),
    (SCHEMA, b'{"case_id":"c","at_min":1.0,"image":{"kind":"elsewhere"}}'),
    ("CaseArrived/99", b'{"case_id":"c","at_min":1.0}'),
    ("", b'{"case_id":"c","at_min":1.0}'),
)
_STAY_MIN: Final = 1.0  # from a case of ours to its closing, and from there to its label


class Messages:
    """Sends them, and notes which sound cases and labels were among them.

    Parameters:
        publisher: of the one who sends the load, or of our own.
        recent: cases that were sent last, the latest at the end.
        poison: has some images, by name, crash a learner.
    """

    def __init__(
        self,
        publisher: Publisher,
        recent: Callable[[], Sequence[CaseArrived]],
        poison: Callable[[list[str]], None],
    ) -> None:
        self._publisher = publisher
        self._recent = recent
        self._poison = poison
        self._numbers = itertools.count()
        self._kinds: dict[str, Callable[[int], None]] = {
            "duplicates": self._duplicates,
            "reordered": self._reordered,
            "corrupt": self._corrupt,
            "oversized": self._oversized,
            "poison": self._poison_images,
            "labels_twice": self._labels_twice,
        }
        self.sent: set[str] = set()  # cases of ours that have to be answered
        self.labelled: set[str] = set()  # of which one label has to count

    def send(self, kind: str, count: int | None) -> None:
        """Send so many messages of a kind, and wait until the broker has them.

        Raises:
            DependencyError: it does not take them.
        """
        self._kinds[kind](COUNT if count is None else count)
        self._publisher.flush()

    def _duplicates(self, count: int) -> None:
        for case in self._recent()[-count:]:
            self._publisher.publish(case)

    def _reordered(self, count: int) -> None:
        """Send label and closing before the case, and the last case first."""
        cases = self._fresh(count, "reordered")
        for case in reversed(cases):
            self._publisher.publish(_label(case))
            self._publisher.publish(_closing(case))
        for case in reversed(cases):
            self._publisher.publish(case)
        self.labelled |= {case.case_id for case in cases}

    def _corrupt(self, count: int) -> None:
        for schema, value in itertools.islice(itertools.cycle(CORRUPT), count):
            number = next(self._numbers)
            key = f"corrupt-{number}" if number % 4 else None
            self._publisher.publish_raw(TOPIC, key, schema, value, {})

    def _oversized(self, count: int) -> None:
        for number in itertools.islice(self._numbers, count):
            value = b'{"case_id":"%s"}' % (b"x" * (MAX_RAW_BYTES - 64))
            self._publisher.publish_raw(TOPIC, f"oversized-{number}", SCHEMA, value, {})

    def _poison_images(self, count: int) -> None:
        cases = self._fresh(count, "poison")
        self._poison([name_of(case.image) for case in cases])
        for case in cases:
            self._publisher.publish(case)

    def _labels_twice(self, count: int) -> None:
        cases = self._fresh(count, "labelled")
        for case in cases:
            self._publisher.publish(case)
        for case in cases:
            # The same message twice, and the same label in a message of its own.
            for number in (0, 0, 1):
                self._publisher.publish(_label(case, number))
        self.labelled |= {case.case_id for case in cases}

    def _fresh(self, count: int, kind: str) -> list[CaseArrived]:
        """Return cases that nobody has sent, with rendered lesions."""
        from simulator.cases.cases import population_of
        from simulator.language.populations import PopulationSpec

        latest = self._recent()[-1:]
        at_min = latest[0].at_min if latest else 0.0
        population = population_of(PopulationSpec())
        numbers = list(itertools.islice(self._numbers, count))
        stem = latest[0].case_id if latest else "drill"
        cases = [
            CaseArrived(
                case_id=f"{stem}-{kind}-{number}",
                at_min=at_min,
                image=population.draw(number, 0, f"{stem}-{kind}").image,
            )
            for number in numbers
        ]
        self.sent |= {case.case_id for case in cases}
        return cases


def _closing(case: CaseArrived) -> CaseClosed:
    return CaseClosed(
        case_id=case.case_id,
        at_min=case.at_min + _STAY_MIN,
        referred=False,
        left_early=False,
        waits_min={},
    )


def _label(case: CaseArrived, number: int = 0) -> FeedbackReceived:
    return FeedbackReceived(
        feedback_id=f"{case.case_id}-label-{number}",
        case_id=case.case_id,
        at_min=case.at_min + 2 * _STAY_MIN,
        label="benign",
    )
