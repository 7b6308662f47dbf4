"""A scenario's text before it is checked: `extends`, `--set`, and the files that it names.

Every key remembers where it was written, so that a message can say it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, Final

from simulator.language.arrival_log import read_arrivals
from simulator.language.calendar import parse_start
from simulator.language.columns import read_values
from simulator.language.quantities import QuantityError
from simulator.language.yaml_source import Located, Path, dotted, parse, parse_value
from twin.errors import DataError, ScenarioError

# Whole answers, not settings: where a scenario states one of these, the base's is not merged in.
_WHOLE: Final = frozenset(
    {"then", "service", "delay", "arrivals", "patience", "gates", "sweep", "ai", "model"}
    | {"roster", "absent", "balk", "skin_tone", "attributes", "replications"}
)
_MOST_BASES: Final = 10  # assumption: deeper inheritance is a mistake
_MOST_BYTES: Final = 2**21  # of a scenario's file; the parser's own limit is lower

Place = tuple[str, int]  # file or option, line from 1 or 0 if there is none
ReadText = Callable[[FilePath], str]


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
        """Return the error that names the place of a path."""
        name, line = self.place_of(path)
        return ScenarioError(name, line, dotted(path), reason)


def gather(text: str, name: str, overrides: Sequence[str] = ()) -> Source:
    """Return a scenario's data with its bases merged in, overrides set, and files read.

    Parameters:
        text: YAML.
        name: file that it comes from; other files are found beside it.
        overrides: as `staff.nurse=2`; values are YAML.

    Raises:
        ScenarioError: a text is no YAML, a base or a file is missing, an override has no place.
    """
    source = _with_bases(text, FilePath(name), ())
    for override in overrides:
        _set(source, override)
    _read_files(source, source.data, ())
    return source


def change(data: dict[str, Any], key: str, value: object) -> Path:
    """Set the value of a dotted key in place; list items are named by number or id.

    Raises:
        QuantityError: with the path that does not exist.

    >>> data = {"pathway": [{"id": "read", "staff": "a"}]}
    >>> change(data, "pathway.read.staff", "b")
    ('pathway', 0, 'staff')
    """
    here: Any = data
    path: Path = ()
    steps = key.split(".")
    for place, step in enumerate(steps):
        last = place == len(steps) - 1
        if isinstance(here, list):
            index = _item(here, step)
            if index is None:
                raise QuantityError((), f"{key!r}: {dotted(path)} has no item {step!r}")
            path = (*path, index)
            if last:
                here[index] = value
            else:
                here = here[index]
            continue
        if not isinstance(here, dict):
            raise QuantityError((), f"{key!r}: {dotted(path)} is {here!r} and has no keys")
        path = (*path, step)
        if last:
            here[step] = value
        else:
            if isinstance(here.get(step), int) and path[0] == "staff":
                here[step] = {"count": here[step]}  # a group in short form
            here = here.setdefault(step, {})
    return path


def _item(items: list[Any], step: str) -> int | None:
    ids = [item.get("id") if isinstance(item, dict) else None for item in items]
    if step in ids:
        return ids.index(step)
    return int(step) if step.isdigit() and int(step) < len(items) else None


def _with_bases(text: str, path: FilePath, seen: tuple[FilePath, ...]) -> Source:
    located = parse(text, str(path))
    source = Source(str(path), located.data, _placed(located))
    base = source.data.pop("extends", None)
    if base is None:
        return source
    if not isinstance(base, str):
        raise source.error(("extends",), f"expected the name of a file, got {base!r}")
    file = path.parent / base
    here = (*seen, path.resolve())
    if file.resolve() in here or len(here) > _MOST_BASES:
        raise source.error(("extends",), f"{base!r} leads round in a circle")
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise source.error(("extends",), f"{file} is too large for a scenario")
        below = _with_bases(file.read_text(encoding="utf-8"), file, here)
    except (OSError, UnicodeDecodeError) as error:
        raise source.error(("extends",), f"{file} cannot be read: {error}") from error
    return _merged(below, source)


def _placed(located: Located) -> dict[Path, Place]:
    return {path: (located.source, line) for path, line in located.lines.items()}


def _merged(below: Source, above: Source) -> Source:
    """Return `below` with everything that `above` states put over it."""
    result = Source(above.name, below.data, below.places)

    def over(base: Any, new: Any, base_path: Path, new_path: Path) -> Any:  # noqa: ANN401  YAML
        key = new_path[-1] if new_path else ""
        if isinstance(base, dict) and isinstance(new, dict) and key not in _WHOLE:
            for name, value in new.items():
                result.places[*base_path, name] = above.place_of((*new_path, name))
                here, there = (*base_path, name), (*new_path, name)
                base[name] = over(base.get(name), value, here, there)
            return base
        if _named(base) and _named(new) and key not in _WHOLE:
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
    where = f"--set {override}"
    if not sign or not key.strip():
        raise ScenarioError(where, 0, "", "expected such as staff.nurse=2")
    try:
        path = change(source.data, key.strip(), parse_value(text, where))
    except QuantityError as error:
        raise ScenarioError(where, 0, "", error.args[1]) from error
    for below in [p for p in source.places if p[: len(path)] == path]:
        del source.places[below]
    source.places[path] = (where, 0)


def _read_files(source: Source, here: Any, path: Path) -> None:  # noqa: ANN401  YAML
    """Put what files hold in the place of their names; the scenario then stands alone."""
    for key, value in list(_items(here)):
        below = (*path, key)
        if key in {"empirical", "replay"} and isinstance(value, Mapping) and "file" in value:
            folder = FilePath(source.place_of(below)[0]).parent
            try:
                here[key] = _contents(source, str(key), value, folder)
            except QuantityError as error:
                raise source.error((*below, *error.args[0]), error.args[1]) from error
            except DataError as error:
                raise source.error((*below, "file"), str(error)) from error
        else:
            _read_files(source, value, below)


def _contents(
    source: Source, key: str, given: Mapping[str, Any], folder: FilePath
) -> dict[str, Any]:
    if key == "empirical":
        return {"values": read_values(given, folder)}
    for wanted in ("file", "column", "unit"):
        if not isinstance(given.get(wanted), str):
            raise QuantityError((wanted,), "is required, as text: file, column and unit")
    start_min = parse_start(source.data.get("start", "Mon 00:00"))
    times = read_arrivals(
        folder / given["file"], given["column"], given["unit"], start_min=start_min
    )
    return {"times": times}


def _items(value: object) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)
