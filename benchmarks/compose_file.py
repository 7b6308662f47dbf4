"""What docker-compose.yml says, as Docker would read it, for running its commands without it."""

import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

_VARIABLE: Final = re.compile(r"\$(?:\$|\{(\w+)(?::([-?])([^}]*))?\})")


class ComposeFile:
    """The file with its variables put in.

    Parameters:
        path: of the file.
        environment: what its variables are taken from.

    Raises:
        KeyError: a variable that has to be set is not; with the file's own words.
    """

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self.document: dict[str, Any] = self._filled(yaml.safe_load(path.read_text()))
        self.services: dict[str, dict[str, Any]] = self.document["services"]

    def command(self, service: str) -> list[str]:
        """Return the command of a service."""
        return list(self.services[service]["command"])

    def health(self, service: str) -> list[str]:
        """Return the command that tells whether a service is well."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        return list(words) if kind == "CMD" else ["sh", "-c", *words]

    def variables(self, service: str) -> dict[str, str]:
        """Return the environment of a service."""
        return {name: str(value) for name, value in self.services[service]["environment"].items()}

    def _filled(self, value: Any) -> Any:
        if isinstance(value, str):
            return _VARIABLE.sub(self._value, value)
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        if isinstance(value, dict):
            return {name: self._filled(one) for name, one in value.items()}
        return value

    def _value(self, found: re.Match[str]) -> str:
        name, sign, rest = found.groups()
        if name is None:
            return "$"  # written as $$
        given = self.environment.get(name)
        if not given and sign == "?":
            raise KeyError(rest)
        return given or rest or ""


class Place:
    """This machine in place of the containers: whose names and paths are other ones here.

    Parameters:
        names: what stands in the file -> what it is here, such as "redis:6379" -> "127.0.0.1:7000".
    """

    def __init__(self, file: ComposeFile, names: Mapping[str, str]) -> None:
        self._file = file
        self._names = names

    def here(self, text: str) -> str:
        """Return a text of the file with this machine's names; whole words only."""
        for name, ours in self._names.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", lambda _, to=ours: to, text)
        return text

    def command(self, service: str) -> list[str]:
        """Return the command of a service."""
        return [self.here(word) for word in self._file.command(service)]

    def health(self, service: str) -> list[str]:
        """Return its health check."""
        return [self.here(word) for word in self._file.health(service)]

    def environment(self, service: str) -> dict[str, str]:
        """Return its environment, in which our own program is found."""
        theirs = self._file.services[service].get("environment", {})
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
        ours = str(Path(sys.executable).parent)  # a container has it on its PATH
        kept["PATH"] = f"{ours}{os.pathsep}{kept.get('PATH', os.defpath)}"
        return kept | {name: self.here(str(value)) for name, value in theirs.items()}
