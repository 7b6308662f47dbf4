"""What is on the live log before an attached run begins."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from services.bus.port import Place, Subscriber
from services.mirror.records import record_of
from twin.events import CaseEvent, ComponentChanged, EpochReached

TOPICS: Final = ("cases", "verdicts", "feedback", "stacks")
_DAY_MIN: Final = 1440.0
_POLL_S: Final = 0.5
_MOST_PER_POLL: Final = 1000


@dataclass(frozen=True, slots=True)
class Survey:
    """A live log as it was found."""

    latest_min: float  # event time; 0 for an empty log
    is_fresh: bool  # no case and no epoch yet
    upto: Mapping[Place, int]  # where to read on, by partition

    @property
    def offset_min(self) -> float:
        """Event time at which an attached run begins: that of the log, up to a whole day.

        Event time never goes backwards, and a week's hours stay those of a day.
        """
        return math.ceil(self.latest_min / _DAY_MIN) * _DAY_MIN


def survey(reader: Subscriber) -> Survey:
    """Read a log to its end, from where the subscriber stands.

    Parameters:
        reader: of `TOPICS`.
    """
    latest_min, is_fresh = 0.0, True
    upto: dict[Place, int] = {}
    while sum(reader.lag().values()) > 0:
        for message in reader.poll(_MOST_PER_POLL, _POLL_S):
            upto[message.topic, message.partition] = message.offset + 1
            event = record_of(message).event  # None for bytes that are none: others count them
            if event is None or isinstance(event, ComponentChanged):
                continue
            latest_min = max(latest_min, event.at_min)
            is_fresh = is_fresh and not isinstance(event, CaseEvent | EpochReached)
    return Survey(latest_min, is_fresh, upto)
