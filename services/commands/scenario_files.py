"""Scenario files that a user names on the command line."""

from pathlib import Path

from twin.errors import ScenarioError


def read_scenario(path: Path) -> str:
    """Return a scenario file's text.

    Raises:
        ScenarioError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioError(str(path), 0, "", f"cannot be read: {error}") from error
