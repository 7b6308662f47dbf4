"""Steps of a long job, each kept when it is done: the same job begun again goes on from there.

A step is named, and keyed by all that decides its result; a result of another key is not found,
so what is kept can be old but never wrong. A step's file is there whole or not at all.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.atomic import write_bytes
from twin.arrays import pack, unpack
from twin.errors import ArtefactError

_FACTS: Final = "facts.json"  # the array that holds the facts; no array of a step is called so


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a step found."""

    facts: Mapping[str, Any]  # JSON values
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass(slots=True)
class Steps:
    """Results of a job's steps in a folder.

    Parameters:
        folder: where they are kept; made if it is not there.
        decisive: what decides the results of all steps: data, settings, code; JSON values.
    """

    folder: Path
    decisive: Mapping[str, Any]
    reused: list[str] = field(default_factory=list, init=False)  # steps that were kept before

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, compute: Callable[[], Result], **decisive: object) -> Result:
        """Return a step's result: the one that is kept, or what `compute` finds, which is kept.

        Parameters:
            name: of the step; part of a file name.
            decisive: what decides this step's result beside what decides all of them.
        """
        file = self._file(name, decisive)
        known = self._kept(file)
        if known is not None:
            self.reused.append(name)
            return known
        found = compute()
        self.keep(name, found, **decisive)
        return found

    def kept(self, name: str, **decisive: object) -> Result | None:
        """Return a step's result if it is kept."""
        return self._kept(self._file(name, decisive))

    def keep(self, name: str, found: Result, **decisive: object) -> None:
        """Keep a step's result; one of the same name and key is replaced."""
        facts = np.frombuffer(json.dumps(found.facts, allow_nan=False).encode(), np.uint8)
        write_bytes(self._file(name, decisive), pack({**found.arrays, _FACTS: facts}))

    def _file(self, name: str, decisive: Mapping[str, object]) -> Path:
        key = json.dumps({"all": self.decisive, "own": decisive}, sort_keys=True)
        return self.folder / f"{name}-{hashlib.sha256(key.encode()).hexdigest()[:12]}.npz"

    def _kept(self, file: Path) -> Result | None:
        if not file.is_file():
            return None
        try:
            arrays = unpack(file.read_bytes(), file.name)
            facts = json.loads(arrays.pop(_FACTS).tobytes())
        except (ArtefactError, KeyError, ValueError):
            # Damaged since: it is made anew, which costs time and nothing else.
            return None
        return Result(facts=facts, arrays=arrays)
