"""The scenarios that come with a server: a folder of YAML files, named by their stems."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from simulator.language.yaml_source import MAX_BYTES, parse
from twin.errors import ScenarioError, SettingsError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(\.yaml)?")
HERE: Final = Path("scenarios")  # of the repository, where commands are run from
_MOST_BASES: Final = 10


def scenarios_folder(given: Path | None) -> Path | None:
    """Return the folder of scenarios: the one given, or ./scenarios where there is one.

    Raises:
        SettingsError: the one given is no directory.
    """
    if given is None:
        return HERE.resolve() if HERE.is_dir() else None
    if not given.is_dir():
        raise SettingsError("--scenarios", str(given), "is no directory")
    return given.resolve()


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a folder of scenarios holds.

    Parameters:
        folder: None where there is none: no scenario has a name, and none may name a file.
    """

    folder: Path | None

    def text_of(self, name: str) -> str | None:
        """Return a scenario's text by its name; None where there is none, or it is no name."""
        if self.folder is None or not _NAME.fullmatch(name):
            return None
        file = self.folder / f"{name.removesuffix('.yaml')}.yaml"
        # A link could lead anywhere.
        if not file.is_file() or not file.resolve().is_relative_to(self.folder):
            return None
        try:
            return file.read_text(encoding="utf-8") if file.stat().st_size <= MAX_BYTES else None
        except (OSError, UnicodeDecodeError):
            return None

    def facts_of(self, name: str) -> dict[str, Any] | None:
        """Return name, title, about and question of a scenario; None where there is none.

        What a scenario does not say, the ones that it extends say for it. One that cannot be read
        is listed with what is wrong with it.
        """
        text = self.text_of(name)
        if text is None:
            return None
        stem = name.removesuffix(".yaml")
        facts: dict[str, Any] = {"name": stem, "about": "", "question": "", "extends": None}
        try:
            data = self._merged(text, f"{stem}.yaml")
        except ScenarioError as error:
            return {**facts, "problem": str(error)}
        own = _parsed(text, f"{stem}.yaml").get("extends")
        extends = own if isinstance(own, str) else None
        told = {key: str(data.get(key, "")) for key in ("about", "question")}
        return {**facts, **told, "extends": extends, "problem": None}

    def all(self) -> list[dict[str, Any]]:
        """Return the facts of all scenarios of clinics by name; loads are no job of a server."""
        if self.folder is None:
            return []
        names = sorted(file.stem for file in self.folder.glob("*.yaml"))
        clinics = [name for name in names if not self._is_load(name)]
        return [facts for name in clinics if (facts := self.facts_of(name)) is not None]

    def _is_load(self, name: str) -> bool:
        text = self.text_of(name)
        try:
            return text is not None and "stress" in self._merged(text, f"{name}.yaml")
        except ScenarioError:
            return False  # `facts_of` says what is wrong

    def _merged(self, text: str, source: str) -> Mapping[str, Any]:
        """Return the first-level keys of a scenario over those of its bases."""
        found: dict[str, Any] = {}
        for _ in range(_MOST_BASES):
            data = _parsed(text, source)
            found = {**data, **found}
            base = data.get("extends")
            below = self.text_of(base) if isinstance(base, str) else None
            if below is None:
                break
            text, source = below, str(base)
        return found


@lru_cache(maxsize=256)  # of a folder of forty, each list would take half a second
def _parsed(text: str, source: str) -> Mapping[str, Any]:
    return parse(text, source).data
