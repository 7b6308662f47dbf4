"""Keeps what a loop cannot use.

Exactly one loop refuses a message: the worker what is no event on `cases`, which it serves; the
mirror what is no event on the other topics, and what only who knows all cases can tell: messages
about a case that never arrived, and those that contradict one of record.
"""

from collections import Counter

from services.bus.port import Message, Publisher
from services.dead_letters.letter import TOPIC, fields_of
from services.logs import Log
from twin.errors import EventError


class Letters:
    """Writes dead letters; whoever commits a position has to flush the publisher before.

    Parameters:
        by: whose letters they are.
    """

    def __init__(self, publisher: Publisher, by: str, log: Log) -> None:
        self._publisher = publisher
        self._by = by
        self._log = log
        self.kinds: Counter[str] = Counter()  # letters written, by kind of fault

    def keep(self, message: Message, error: EventError) -> None:
        """Write a message's letter, without waiting for the acknowledgement.

        Raises:
            DependencyError: the log cannot be reached.
        """
        key, schema, value, headers = fields_of(message, error, self._by)
        self._publisher.publish_raw(TOPIC, key, schema, value, headers)
        self.kinds[error.kind] += 1
        self._log.warning(
            "dead-letter",
            reason=headers["reason"],
            kind=error.kind,
            topic=message.topic,
            partition=message.partition,
            offset=message.offset,
        )

    def flush(self) -> None:
        """Wait until the letters are acknowledged.

        Raises:
            DependencyError: one was not; the position before it must not be committed.
        """
        self._publisher.flush()
