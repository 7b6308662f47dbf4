"""Where a reader of changes has come to: the next offset of every partition of the log.

A position in the log itself, and no number of ours: it stays true when the mirror is built again
and folds the partitions in another order. So a client that reconnects misses nothing and sees
nothing twice.
"""

import re
from collections.abc import Mapping
from typing import Final

from services.bus.port import Place
from twin.errors import InputError

MAX_CURSOR: Final = 2_000  # characters; a hundred partitions need fewer
START: Final = "start"  # not empty: a browser does not send an empty id back
_SHAPE: Final = re.compile(r"[a-z-]+\.\d{1,18}(_\d{1,18})*(~[a-z-]+\.\d{1,18}(_\d{1,18})*)*")


def cursor_of(upto: Mapping[Place, int]) -> str:
    """Return the text of a position.

    Parameters:
        upto: next offset to read, by topic and partition; partitions count from 0.

    >>> cursor_of({("cases", 0): 3, ("cases", 2): 1, ("verdicts", 0): 2})
    'cases.3_0_1~verdicts.2'
    >>> cursor_of({})
    'start'
    """
    if not upto:
        return START
    topics: dict[str, dict[int, int]] = {}
    for (topic, partition), offset in upto.items():
        topics.setdefault(topic, {})[partition] = offset
    return "~".join(
        f"{topic}." + "_".join(str(at.get(n, 0)) for n in range(max(at) + 1))
        for topic, at in sorted(topics.items())
    )


def upto_of(cursor: str) -> dict[Place, int]:
    """Return the position of a text.

    Raises:
        InputError: it is none.

    >>> upto_of("cases.3_0~verdicts.2")
    {('cases', 0): 3, ('cases', 1): 0, ('verdicts', 0): 2}
    """
    if cursor == START:
        return {}
    if len(cursor) > MAX_CURSOR or not _SHAPE.fullmatch(cursor):
        raise InputError("no cursor of the event stream, such as cases.3_0~verdicts.2")
    upto = {}
    for part in cursor.split("~"):
        topic, _, offsets = part.partition(".")
        for partition, offset in enumerate(offsets.split("_")):
            upto[topic, partition] = int(offset)
    return upto
