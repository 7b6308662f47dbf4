"""A scenario's text before it is checked: `extends`, `--set`, and the files that it names.

Every key remembers where it was written, so that a message can say it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from simulator.language.arrival_log import read_arrivals
from simulator.language.calendar import parse_start
from simulator.language.columns import read_values
from simulator.language.complaints import complaints
from simulator.language.keys import MOST_KEY, change, named, spelt_out
from simulator.language.reach import Reach
from simulator.language.replay import ReplayFile
from simulator.language.words import cut, shown
from simulator.language.yaml_source import Located, Path, parse, parse_value
from simulator.quantities import QuantityError
from twin.errors import DataError, ScenarioError

# Whole answers, not settings: where a scenario states one of these, the base's is not merged in.
WHOLE: Final = frozenset(
    {"then", "service", "delay", "arrivals", "patience", "gates", "sweep", "ai", "model"}
    | {"roster", "absent", "balk", "skin_tone", "attributes", "replications", "profile"}
)
_MOST_BASES: Final = 10  # assumption: deeper inheritance is a mistake
_MOST_BYTES: Final = 2**21  # of a scenario's file; the parser's own limit is lower

_MOST_REASON: Final = 600  # characters of a reason: a few lines

Place = tuple[str, int]  # file or option, line from 1 or 0 if there is none


@dataclass(slots=True)
class Source:
    """Plain data, and where each key was written."""

    name: str  # of the file, for messages
    data: dict[str, Any]
    places: dict[Path, Place]

    def place_of(self, path: Path) -> Place:
        """Return where `path` was written, or its nearest ancestor."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, (self.name, 1))

    def error(self, path: Path, reason: str) -> ScenarioError:
        """Return the error that names the place of a path; items are named by their id."""
        name, line = self.place_of(path)
        return ScenarioError(name, line, named(self.data, path), cut(reason, _MOST_REASON))

    def folder_of(self, path: Path) -> FilePath:
        """Return the folder that file names at a path start from."""
        name, line = self.place_of(path)
        return FilePath(name if line else self.name).parent  # no line: an override


def gather(
    text: str, name: str, overrides: Sequence[str] = (), reach: Reach | None = None
) -> Source:
    """Return a scenario's data with its bases merged in, overrides set, and files read.

    Parameters:
        text: YAML.
        name: file that it comes from; other files are found beside it.
        overrides: as `staff.nurse=2`; values are YAML.
        reach: what the text may reach and weigh; None for one's own, which may name any file.

    Raises:
        ScenarioError: a text is no YAML, a base or a file is missing, an override has no place.
    """
    source = _with_bases(text, FilePath(name), (), reach)
    for override in overrides:
        _set(source, override)
    _read_files(source, source.data, (), reach)
    return source


def _with_bases(
    text: str, path: FilePath, seen: tuple[FilePath, ...], reach: Reach | None
) -> Source:
    if reach is None:
        located = parse(text, str(path))
    else:
        located = parse(text, str(path), reach.most_bytes, reach.most_values)
    source = Source(str(path), located.data, _placed(located))
    base = source.data.pop("extends", None)
    if base is None:
        return source
    if not isinstance(base, str):
        raise source.error(("extends",), f"expected the name of a file, got {base!r}")
    try:
        file = path.parent / base
        if reach is not None:
            reach.check(file, base)
        here = (*seen, path.resolve())
        if file.resolve() in here or len(here) > _MOST_BASES:
            raise source.error(("extends",), f"{base!r} leads round in a circle")
        below = _with_bases(_read(file), file, here, reach)
    except (OSError, ValueError) as error:
        reason = f"{cut(str(base), MOST_KEY)!r} cannot be read: {_why(error)}"
        raise source.error(("extends",), reason) from None
    return _merged(below, source)


def _read(file: FilePath) -> str:
    if file.exists() and not file.is_file():  # a folder, or a device that has no end
        raise ValueError("it is no file")
    if file.stat().st_size > _MOST_BYTES:
        raise ValueError(f"it is too large, {file.stat().st_size} bytes")
    return file.read_text(encoding="utf-8")


def _why(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _placed(located: Located) -> dict[Path, Place]:
    return {path: (located.source, line) for path, line in located.lines.items()}


def _merged(below: Source, above: Source) -> Source:
    """Return `below` with everything that `above` states put over it."""
    result = Source(above.name, below.data, below.places)

    def over(base: Any, new: Any, base_path: Path, new_path: Path) -> Any:  # noqa: ANN401  YAML
        key = new_path[-1] if new_path else ""
        if isinstance(new, dict) and new_path and not isinstance(base, dict):
            base = spelt_out(new_path, base)
        if isinstance(base, dict) and isinstance(new, dict) and key not in WHOLE:
            for name, value in new.items():
                result.places[*base_path, name] = above.place_of((*new_path, name))
                here, there = (*base_path, name), (*new_path, name)
                base[name] = over(base.get(name), value, here, there)
            return base
        if _named(base) and _named(new) and key not in WHOLE:
            ids = [item["id"] for item in base]
            for place, item in enumerate(new):
                index = ids.index(item["id"]) if item["id"] in ids else len(base)
                if index == len(base):
                    base.append({})
                    ids.append(item["id"])
                here, there = (*base_path, index), (*new_path, place)
                result.places[here] = above.place_of(there)
                base[index] = over(base[index], item, here, there)
            return base
        for path in [p for p in result.places if p[: len(base_path)] == base_path]:
            del result.places[path]
        for path, where in above.places.items():
            if path[: len(new_path)] == new_path:
                result.places[*base_path, *path[len(new_path) :]] = where
        return new

    result.data = over(below.data, above.data, (), ())
    return result


def _named(value: object) -> bool:
    """Return whether these are items that are told apart by their id."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and "id" in item for item in value)
    )


def _set(source: Source, override: str) -> None:
    key, sign, text = override.partition("=")
    where = f"--set {cut(override, MOST_KEY)}"
    if not sign or not key.strip():
        raise ScenarioError(where, 0, "", "expected key=value, such as staff.nurse=2")
    try:
        path = change(source.data, key.strip(), parse_value(text, where))
    except QuantityError as error:
        raise ScenarioError(where, 0, "", error.args[1]) from None
    except ScenarioError as error:  # of the value: its line is that of no file
        raise ScenarioError(where, 0, "", error.args[3]) from None
    for below in [p for p in source.places if p[: len(path)] == path]:
        del source.places[below]
    source.places[path] = (where, 0)


def _read_files(
    source: Source,
    here: Any,  # noqa: ANN401  YAML
    path: Path,
    reach: Reach | None,
) -> None:
    """Put what files hold in the place of their names; the scenario then stands alone."""
    for key, value in list(_items(here)):
        below = (*path, key)
        if key in {"empirical", "replay"} and isinstance(value, Mapping) and "file" in value:
            try:
                here[key] = _contents(source, below, value, reach)
            except QuantityError as error:
                raise source.error((*below, *error.args[0]), error.args[1]) from None
            except ValidationError as error:
                for wrong, reason in complaints(error, ReplayFile, value):
                    raise source.error((*below, *wrong), reason) from None
            except DataError as error:
                raise source.error((*below, "file"), str(error)) from None
            except ValueError as error:  # a name that no file can have
                reason = f"{shown(value['file'])} cannot be read: {error}"
                raise source.error((*below, "file"), reason) from None
        else:
            _read_files(source, value, below, reach)


def _contents(
    source: Source, path: Path, given: Mapping[str, Any], reach: Reach | None
) -> dict[str, Any]:
    folder = source.folder_of((*path, "file"))
    file = folder / given["file"] if isinstance(given["file"], str) else folder / "none"
    if reach is not None:
        reach.check(file, given["file"])
    if file.exists() and not file.is_file():  # a folder, or a device that has no end
        raise QuantityError(("file",), f"{shown(given['file'])} is no file")
    if path[-1] == "empirical":
        return {"values": read_values(given, folder)}
    log = ReplayFile.model_validate(given)
    start_min = parse_start(source.data.get("start", "Mon 00:00"))
    times = read_arrivals(folder / log.file, log.column, log.unit, start_min=start_min)
    return {"times": times}


def _items(value: object) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
