"""A scenario file in and out: text to a sound `Scenario`, or one error that lists all problems."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from simulator.language.complaints import complaints
from simulator.language.reach import Reach
from simulator.language.schema import Scenario
from simulator.language.sources import Source, gather
from simulator.language.sweep import unsound
from simulator.language.words import cut, shown
from simulator.language.yaml_source import Path, dump
from twin.errors import ScenarioError

# Of an error that lists problems: it is to fit on one screen.
_MOST_LINES: Final = 15
_LONGEST_LINE: Final = 400  # characters
_MOST_CHARACTERS: Final = 1600

__all__ = ["Complaint", "Scenario", "checked", "load", "look_over", "resolved"]


def load(text: str, source: str, overrides: Sequence[str] = ()) -> Scenario:
    """Return the scenario that `text` holds.

    Parameters:
        text: YAML, as docs and scenarios/ show it.
        source: the file's name, for messages; files that it names are found beside it.
        overrides: `key=value` each, set over the file.

    Raises:
        ScenarioError: with file, line, dotted key and value; if there are several problems, its
            reason lists them, a line each, in the order of the file.
    """
    return checked(gather(text, source, overrides))


def checked(source: Source) -> Scenario:
    """Return the scenario that gathered data hold; raises as `load` does."""
    scenario, found = _check(source)
    if scenario is None:
        raise _one_error(source, found)
    return scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One thing that is wrong with a scenario, for programs."""

    source: str  # file or option
    line: int  # from 1; 0 if there is none
    key: str  # dotted; empty for the whole
    value: str | None  # as it is written, cut; None where it is missing or not known
    message: str


def look_over(
    text: str, source: str, overrides: Sequence[str] = (), reach: Reach | None = None
) -> tuple[Scenario | None, list[Complaint]]:
    """Return the scenario that `text` holds, or None and all that is wrong with it.

    Parameters:
        text, source, overrides: as `load` takes them.
        reach: what the text may reach and weigh; None for one's own.
    """
    try:
        gathered = gather(text, source, overrides, reach)
    except ScenarioError as error:
        where, line, key, reason = error.args
        return None, [Complaint(source=where, line=line, key=key, value=None, message=reason)]
    scenario, found = _check(gathered)
    told = []
    for path, reason in dict.fromkeys(found):
        where, line, key, message = gathered.error(path, reason).args
        value = _value_at(gathered.data, path)
        told.append(Complaint(source=where, line=line, key=key, value=value, message=message))
    told.sort(key=lambda one: (one.source != gathered.name, one.source, one.line))
    return scenario, told


def _value_at(data: Any, path: Path) -> str | None:  # noqa: ANN401  YAML
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return shown(data) if path else None


def _check(source: Source) -> tuple[Scenario | None, Sequence[tuple[Path, str]]]:
    """Return the scenario, or None and what is wrong where."""
    try:
        scenario = Scenario.model_validate(source.data)
    except ValidationError as error:
        return None, list(complaints(error, Scenario, source.data))
    found = [] if scenario.sweep is None else list(unsound(scenario.sweep, source))
    return (None if found else scenario), found


def _one_error(source: Source, found: Sequence[tuple[Path, str]]) -> ScenarioError:
    problems = [source.error(path, reason) for path, reason in dict.fromkeys(found)]
    problems.sort(key=lambda problem: (problem.args[0] != source.name, problem.args[:2]))
    if len(problems) == 1:
        return problems[0]
    lines = [cut(str(problem), _LONGEST_LINE) for problem in problems]
    while len(lines) > _MOST_LINES or sum(map(len, lines)) > _MOST_CHARACTERS:
        lines.pop()
    if len(lines) < len(problems):
        lines.append(f"and {len(problems) - len(lines)} more")
    reason = "\n  ".join([f"{len(problems)} problems", *lines])
    return ScenarioError(source.name, 0, "", reason)


def resolved(scenario: Scenario) -> str:
    """Return the scenario as YAML with every default written out; it loads to an equal one."""
    return dump(plain(scenario))


def plain(scenario: Scenario) -> Mapping[str, Any]:
    """Return the scenario as plain data with every default written out; lists, not tuples."""
    data: dict[str, Any] = _plain(scenario.model_dump(by_alias=True, exclude_none=True))
    return data


def _plain(value: Any) -> Any:  # noqa: ANN401  YAML
    """Return data as YAML has them: a sweep changes items in place, which no tuple allows."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
