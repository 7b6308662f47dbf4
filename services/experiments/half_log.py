"""The log that a run writes on servers of somebody's, for the case that the run is killed.

What was begun again has a log of its own: half of one log and half of another would not be the log
of one run. So the half that was left is deleted, topics and keys, before the run goes on.
"""

import json
import re
from pathlib import Path
from typing import Final

from services.atomic import write_text
from services.config import Settings
from services.console import say

_FILE: Final = "log.json"


class HalfLog:
    """The note in a run's folder of a log that is not complete.

    Parameters:
        folder: of the run.
        settings: which servers are in use; embedded ones ended with the run that started them.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self._file = folder / _FILE
        self._kafka, self._redis = settings.kafka, settings.redis

    def begun(self, prefix: str) -> None:
        """Note the prefix of a log, before anything is on it."""
        note = {"prefix": prefix, "kafka": self._kafka, "redis": _shown(self._redis)}
        write_text(self._file, json.dumps(note) + "\n")

    def ended(self) -> None:
        """Note that the log is complete. It stays on servers that are not ours."""
        self._file.unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete what a killed run left on the servers that are in use, and tell what is left.

        Raises:
            DependencyError: a server failed; the note stays, for the next time.
        """
        if not self._file.is_file():
            return
        note = json.loads(self._file.read_text(encoding="utf-8"))
        prefix = note["prefix"]
        if self._kafka is not None and note["kafka"] == self._kafka:
            from services.bus.kafka_topics import delete_topics
            from services.bus.topics import TOPICS

            delete_topics(self._kafka, prefix, TOPICS)
            say(f"half a log of the run that was killed is deleted: topics {prefix}.*")
        elif note["kafka"] is not None:
            say(f"the run that was killed left topics {prefix}.* on {note['kafka']}")
        if self._redis is not None and note["redis"] == _shown(self._redis):
            from services.mirror.redis_mirror import RedisMirror

            mirror = RedisMirror(self._redis, prefix)
            try:
                mirror.wipe()
            finally:
                mirror.close()
            say(f"half a mirror of the run that was killed is deleted: keys {prefix}:*")
        elif note["redis"] is not None:
            say(f"the run that was killed left keys {prefix}:* on {note['redis']}")
        self.ended()


def _shown(url: str | None) -> str | None:
    """Return an address without what must not be in a file."""
    return None if url is None else re.sub(r"//[^/]*@", "//***@", url)
