"""What stem and base learners say of images, remembered: an image is scored once.

One SQLite file per set of stem and base learners, below home/scores. Every batch is committed, so
an interruption loses the batches under way and nothing else. Two processes may use a file at once:
the first to score an image keeps it, and what the other found is the same.

Log-odds of the base learners and the stem's sketch are kept, and not the stack's probability: that
is worked out anew, so another meta-learner over the same learners needs no image scored again.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from simulator.cases.bank_entries import canonical
from twin.errors import DependencyError
from twin.images import ImageRef
from twin.model import STEM, Model


@dataclass(frozen=True, slots=True)
class BaseScore:
    """What is remembered of one image."""

    log_odds: Mapping[str, float]  # base learner -> nats
    sketch: tuple[float, ...] = ()  # of what the stem saw; twin/sketch.py


_PATIENCE_S: Final = 60.0  # assumption: no other process commits a batch for longer
_ASKED: Final = 500  # keys in one question; SQLite takes at least 999 values
# An earlier version had a table `scores` without the sketch; it is left as it is.
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS base_scores (
    key BLOB PRIMARY KEY,      -- sha256 of the twin's code and of the image's reference
    log_odds TEXT NOT NULL,    -- JSON: base learner -> nats
    sketch TEXT NOT NULL       -- JSON: a list of numbers
) WITHOUT ROWID
"""


def base_id_of(model: Model) -> str:
    """Return the id of a model's stem and base learners: of all that log-odds depend on."""
    total = hashlib.sha256(str(model.content["features"]).encode())
    for component in (STEM, *model.learners):
        for name, content in sorted(model.part(component).items()):
            total.update(f"{component}/{name}\0".encode() + hashlib.sha256(content).digest())
    return total.hexdigest()[:12]


class BaseScores:
    """Base scores that are kept in a file.

    What an image could not be scored for is not kept: a file that is missing today may be back
    tomorrow, and to find that out again costs next to nothing.

    Parameters:
        home: directory of models and runs.
        base_id: of stem and base learners.
        code: digest of the code that renders and scores; scores of other code are not found.

    Raises:
        DependencyError: the file cannot be opened, or is none of SQLite's.
    """

    def __init__(self, home: Path, base_id: str, code: str) -> None:
        self.file = home / "scores" / f"{base_id}.sqlite"
        self._code = code.encode()
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.file, timeout=_PATIENCE_S)
            with self._db:
                self._db.execute(_TABLE)
        except (OSError, sqlite3.Error) as cause:
            raise self._trouble(cause) from cause

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def known(self, images: Sequence[ImageRef]) -> dict[int, BaseScore]:
        """Return the scores that are kept, by place among the images."""
        keys = [self._key(image) for image in images]
        rows: dict[bytes, BaseScore] = {}
        for first in range(0, len(keys), _ASKED):
            some = keys[first : first + _ASKED]
            marks = ",".join("?" * len(some))
            where = f"FROM base_scores WHERE key IN ({marks})"
            question = f"SELECT key, log_odds, sketch {where}"
            try:
                for key, said, seen in self._db.execute(question, some):
                    rows[key] = BaseScore(json.loads(said), tuple(json.loads(seen)))
            except (sqlite3.Error, ValueError) as cause:
                raise self._trouble(cause) from cause
        return {place: rows[key] for place, key in enumerate(keys) if key in rows}

    def keep(self, found: Iterable[tuple[ImageRef, BaseScore]]) -> None:
        """Keep the scores of images; all of them or none.

        Raises:
            DependencyError: the file cannot be written.
        """
        # JSON writes a double so that the same double is read: what is remembered has equal bits.
        rows = [
            (
                self._key(image),
                json.dumps(dict(said.log_odds), allow_nan=False),
                json.dumps(said.sketch, allow_nan=False),
            )
            for image, said in found
        ]
        try:
            with self._db:
                self._db.executemany("INSERT OR IGNORE INTO base_scores VALUES (?, ?, ?)", rows)
        except sqlite3.Error as cause:
            raise self._trouble(cause) from cause

    def _key(self, image: ImageRef) -> bytes:
        return hashlib.sha256(self._code + b"\0" + canonical(image)).digest()

    def _trouble(self, cause: Exception) -> DependencyError:
        return DependencyError(f"remembered scores {self.file}: {cause}")
