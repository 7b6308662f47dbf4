"""The mirror made again from the log beside the old one, proved equal to the log, and put in place.

Whoever reads the mirror sees the old one, and from one moment on the new one, of another
generation: the API begins anew then. A mirror process that is at work finds another generation,
too, and goes on from the new one's position (`services/mirror/continuity.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import redis

from services.bus.port import Subscriber
from services.mirror.comparison import Comparison, compare
from services.mirror.log_fold import LogFold
from services.mirror.loop import POLL_S, Mirror
from services.mirror.redis_layout import SHELVES
from services.mirror.redis_mirror import RedisMirror, pattern_of
from services.redis_client import redis_client
from twin.errors import DependencyError

Progress = Callable[[str, int, int], None]  # stage, done, total

# Keys of the mirror that hold no case and no component; others under the prefix are not its own.
_ONE_EACH: Final = ("counts", "position", "changes", "mirror", "stack", *SHELVES)
_SWAP_TIMEOUT_S: Final = 60.0  # renames a million keys in seconds: assumption
_TRIES: Final = 20  # of a mirror that is written to while it is read
# One script, as nothing else is done meanwhile: what a mirror at work wrote between a look at its
# keys and their removal would stay.
_SWAP: Final = """
local function every(prefix, pattern)
  local found = {}
  for _, kind in ipairs({'case:*', 'component:*'}) do
    for _, key in ipairs(redis.call('KEYS', pattern .. kind)) do found[#found + 1] = key end
  end
  for i = 5, #ARGV do
    if redis.call('EXISTS', prefix .. ARGV[i]) == 1 then found[#found + 1] = prefix .. ARGV[i] end
  end
  return found
end
for _, key in ipairs(every(ARGV[2], ARGV[4])) do redis.call('UNLINK', key) end
local moved = every(ARGV[1], ARGV[3])
for _, key in ipairs(moved) do redis.call('RENAME', key, ARGV[2] .. key:sub(#ARGV[1] + 1)) end
return #moved
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What came of it."""

    comparison: Comparison  # of the new mirror
    in_place: bool  # whether it took the old one's place
    expired: list[str]  # partitions whose beginning the broker has forgotten


def rebuild(
    url: str,
    prefix: str,
    reader: Callable[[str], Subscriber],
    on_progress: Progress,
    *,
    anyway: bool = False,
) -> Rebuilt:
    """Make the mirror again from the log, and put it in place if it is equal to the log.

    Parameters:
        url: of Redis.
        prefix: of the twin's topics and keys.
        reader: opens a reader of all that is mirrored, for a group of that name.
        anyway: also if the log's beginning is gone, and with it what the old mirror knows of it.

    Raises:
        DependencyError: a server failed, or somebody else is at it; the old mirror is as it was.
    """
    beside = f"{prefix}.rebuild"  # no twin's name has a dot, and the runs' go on with a date
    new = RedisMirror(url, beside)
    try:
        new.wipe()  # of one that was killed
        _fold_into(new, reader("rebuild"), on_progress)
        fold = LogFold(reader("rebuild-check"), lambda done, total: on_progress("log", done, total))
        state = fold.upto(new.position())
        found = compare(state, new.read_back(), fold.records)
        in_place = found.equal and (anyway or not fold.expired)
        if in_place:
            _put_in_place(url, beside, prefix)
        return Rebuilt(comparison=found, in_place=in_place, expired=fold.expired)
    finally:
        try:
            new.wipe()
        finally:
            new.close()


def check(
    url: str, prefix: str, reader: Callable[[str], Subscriber], on_progress: Progress
) -> Comparison:
    """Hold the mirror against the log at its own position; nothing is changed.

    A mirror at work is written to while it is read: what changed meanwhile is read again, all of it
    of one moment.

    Raises:
        DependencyError: a server failed, there is no mirror, or it changed faster than it was read.
    """
    mirror = RedisMirror(url, prefix)
    try:
        before = mirror.position()
        state = mirror.read_back()
        if not before:
            raise DependencyError(f"no mirror has written under {prefix}")
        fold = LogFold(reader("rebuild-check"), lambda done, total: on_progress("log", done, total))
        fold.upto(before)
        last = None
        for _ in range(_TRIES):
            fold.read_to_the_end()
            part = mirror.read_part(fold.cases_ahead())
            # Of a mirror that stays beyond the log's end, the log is another one.
            if fold.covers(part.position) or part.position == last:
                part.cases = {**state.cases, **part.cases}
                return compare(fold.upto(part.position), part, fold.records)
            last = part.position
    finally:
        mirror.close()
    raise DependencyError(f"the mirror under {prefix} changes faster than it is read: try again")


def _fold_into(new: RedisMirror, reader: Subscriber, on_progress: Progress) -> None:
    """Fold all that is on the log by now."""
    reader.seek({})
    ends = reader.lag()
    loop = Mirror(reader, new)
    while loop.step(POLL_S) or loop.lag() > 0:
        on_progress("mirror", loop.records, max(loop.records, sum(ends.values())))
        at = new.position()
        if all(at.get(place, -1) + 1 >= end for place, end in ends.items()):
            return  # what came since is for the mirror that is at work


def _put_in_place(url: str, beside: str, prefix: str) -> None:
    client: Any = redis_client(url, socket_timeout=_SWAP_TIMEOUT_S)
    try:
        names = [f"{beside}:", f"{prefix}:"]
        client.eval(_SWAP, 0, *names, *map(pattern_of, names), *_ONE_EACH)
    except redis.RedisError as error:
        raise DependencyError(f"the new mirror could not be put in place: {error}") from error
    finally:
        client.close()
