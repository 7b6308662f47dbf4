"""Model artefacts on disk: a directory named by the hash of its content.

Loading verifies every byte against the manifest (`twin/model.py`), so an altered artefact is
refused, and nothing in an artefact is ever executed.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from services.atomic import write_text
from twin.errors import ArtefactError, SettingsError
from twin.model import Model

_STAGING: Final = ".staging-"  # begins the names of directories that are being written
_STALE_S: Final = 3600.0  # an artefact is written within a second: assumption


class ArtefactStore:
    """Keeps artefacts below `home`, and remembers which recipe made which model.

    Parameters:
        home: directory of models and runs (`DERMTWIN_HOME`).
    """

    def __init__(self, home: Path) -> None:
        self._models = home / "models"
        self._recipes = self._models / "by-recipe"
        self._lessons = self._models / "lessons"

    def save(self, model: Model) -> Path:
        """Write an artefact whole or not at all; return its directory."""
        return _write(model, self._models / model.model_id)

    def export(self, model: Model, directory: Path) -> Path:
        """Write an artefact to a directory of somebody's choice, whole or not at all.

        Raises:
            SettingsError: it is there already.
        """
        if directory.exists():
            raise SettingsError("--out", str(directory), "is there already and is not overwritten")
        return _write(model, directory)

    def load(self, which: str) -> Model:
        """Return a verified artefact by its model id or its directory.

        Raises:
            ArtefactError: there is none, or a byte of it differs from its manifest.
        """
        directory = Path(which)
        if not directory.is_dir():
            directory = self._models / which
        if not directory.is_dir():
            known = sorted(path.name for path in self._models.glob("[0-9a-f]" * 12))
            raise ArtefactError(which, f"no such model; known: {', '.join(known) or 'none'}")
        return Model.from_files(read_files(directory), str(directory))

    def load_or_latest(self, which: str | None) -> Model:
        """Return the artefact asked for, or the one saved last.

        Raises:
            ArtefactError: there is none.
        """
        chosen = which or self.latest()
        if chosen is None:
            raise ArtefactError(self._models, "none yet: train one with `dermtwin train`")
        return self.load(chosen)

    def remembered(self, recipe: str) -> Model | None:
        """Return the model that a recipe made before, if it is still there."""
        note = self._recipes / recipe
        if not note.is_file():
            return None
        model_id = note.read_text().strip()
        known = bool(model_id) and (self._models / model_id).is_dir()
        return self.load(model_id) if known else None

    def remember(self, recipe: str, model_id: str) -> None:
        """Take note that a recipe (a hash of everything that decides a model) made a model."""
        self._recipes.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: half a note would name another model, or none.
        write_text(self._recipes / recipe, model_id + "\n")

    def keep_lesson(self, model_id: str, lesson: Mapping[str, Any]) -> None:
        """Keep what a model learned from, by reference; JSON values."""
        self._lessons.mkdir(parents=True, exist_ok=True)
        write_text(self._lessons / f"{model_id}.json", json.dumps(lesson) + "\n")

    def lesson(self, model_id: str) -> dict[str, Any]:
        """Return what a model learned from.

        Raises:
            ArtefactError: it was not kept.
        """
        file = self._lessons / f"{model_id}.json"
        if not file.is_file():
            reason = "what it learned from was not kept here: train it again in this DERMTWIN_HOME"
            raise ArtefactError(model_id, reason)
        lesson: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return lesson

    def latest(self) -> str | None:
        """Return the id of the model saved last, if there is one."""
        found = [path for path in self._models.glob("[0-9a-f]" * 12) if path.is_dir()]
        return max(found, key=lambda path: path.stat().st_mtime).name if found else None


def _write(model: Model, final: Path) -> Path:
    if final.is_dir():
        return final
    final.parent.mkdir(parents=True, exist_ok=True)
    _sweep(final.parent)
    staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=final.parent))
    try:
        for name, content in model.files.items():
            path = staging / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        staging.chmod(0o755)  # mkdtemp keeps others out; an artefact is for sharing
        staging.replace(final)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return final


def _sweep(directory: Path) -> None:
    """Remove what processes left that were killed while they wrote an artefact."""
    oldest_unix_s = time.time() - _STALE_S
    for left in directory.glob(f"{_STAGING}*"):
        with suppress(FileNotFoundError):  # somebody else sweeps, too
            if left.stat().st_mtime < oldest_unix_s:
                shutil.rmtree(left, ignore_errors=True)


def read_files(directory: Path) -> Mapping[str, bytes]:
    """Return a directory's files by their relative names, with forward slashes."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
