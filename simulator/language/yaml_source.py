"""YAML in and out with the line of every key, so that each complaint can name its place.

Plain data only. Scalars follow the core schema of YAML 1.2.2 (section 10.3.2): `yes`, `on`, `10:30`
and `2025-09-01` are text, where PyYAML's own YAML 1.1 makes booleans, base-60 numbers and dates.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from twin.errors import ScenarioError

Path = tuple[str | int, ...]  # keys and item numbers from the top

MAX_BYTES: Final = 2**20  # assumption: a scenario is some kilobytes; more is a mistake or an attack
MAX_VALUES: Final = 2**20  # more than MAX_BYTES can hold: no bound of its own
MAX_DEPTH: Final = 32  # assumption: the scenario language nests about 6 deep

_NULL, _BOOL, _INT, _FLOAT, _STR, _SEQ, _MAP = (
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")
)
# YAML 1.2.2, section 10.3.2: (tag, pattern, first characters). Whatever matches none is text.
_RESOLVERS: Final = (
    (_NULL, r"(?:null|Null|NULL|~|)\Z", [*"nN~", ""]),
    (_BOOL, r"(?:true|True|TRUE|false|False|FALSE)\Z", [*"tTfF"]),
    (_INT, r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z", [*"-+0123456789"]),
    (
        _FLOAT,
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z",
        [*"-+.0123456789"],
    ),
)


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _real(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_VALUES: Final[Mapping[str, Callable[[str], Any]]] = {
    _NULL: lambda _: None,
    _BOOL: lambda text: text.lower() == "true",
    _INT: _integer,
    _FLOAT: _real,
    _STR: str,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """Plain data with the place of each key and item."""

    source: str  # file name, for messages
    data: dict[str, Any]
    lines: Mapping[Path, int]  # from 1

    def line_of(self, path: Path) -> int:
        """Return the line of `path`, or of its nearest ancestor that the file holds."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader without aliases, without depth, and with the core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's name
    depth = 0
    values = 0
    most_values = MAX_VALUES

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event: yaml.Event = self.peek_event()  # type: ignore[no-untyped-call] # PyYAML's stubs
        mark: Any = event.start_mark  # likewise: ComposerError takes what events carry
        if isinstance(event, yaml.AliasEvent):
            # A few nested aliases expand to billions of nodes; no scenario needs one.
            reason = "aliases are not accepted: write the value out"
            raise yaml.composer.ComposerError(None, None, reason, mark)
        if self.depth == MAX_DEPTH:
            reason = f"nested more than {MAX_DEPTH} deep"
            raise yaml.composer.ComposerError(None, None, reason, mark)
        self.values += 1
        if self.values > self.most_values:
            reason = f"more than {self.most_values} keys, items and values"
            raise yaml.composer.ComposerError(None, None, reason, mark)
        self.depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


class _Dumper(yaml.SafeDumper):
    """Writes plain data so that `_Loader` reads the same back."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 PyYAML's name

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 PyYAML's signature
        return True


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(_tag, re.compile(_pattern), _first)
    _Dumper.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def parse(
    text: str, source: str, most_bytes: int = MAX_BYTES, most_values: int = MAX_VALUES
) -> Located:
    """Return the mapping that `text` holds, with the lines of its keys and items.

    Parameters:
        text: one YAML document whose top is a mapping.
        source: where the text comes from, for messages.
        most_bytes: of the text.
        most_values: keys, items and values.

    Raises:
        ScenarioError: not YAML, not one mapping, a repeated key, an alias, a tag, too large.

    >>> located = parse("name: week\\nstaff:\\n  nurse: 2\\n", "clinic.yaml")
    >>> located.data, located.line_of(("staff", "nurse"))
    ({'name': 'week', 'staff': {'nurse': 2}}, 3)
    """
    size = len(text.encode(errors="surrogatepass"))
    if size > most_bytes:
        raise ScenarioError(source, 0, "", f"{size} bytes; at most {most_bytes} are accepted")
    try:
        loader = _Loader(text)
        loader.most_values = most_values
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        reason = ", ".join(filter(None, (error.context, error.problem)))
        if "'\\t'" in reason:
            reason += "; YAML is indented by spaces"
        raise ScenarioError(source, line, "", f"not readable as YAML: {reason}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = f"character U+{error.character:04X}"
        raise ScenarioError(source, line, "", f"{code} is not allowed in YAML") from error
    if not isinstance(node, yaml.MappingNode):
        reason = "expected keys and values at the top, as in 'name: week'"
        raise ScenarioError(source, 1, "", reason)
    lines: dict[Path, int] = {}
    data = _value(node, (), lines, source)
    return Located(source=source, data=data, lines=lines)


def parse_value(text: str, source: str) -> Any:  # noqa: ANN401  YAML
    """Return the plain value that a short YAML text holds, such as `2`, `3 d` or `[1, 2]`.

    Raises:
        ScenarioError: as `parse`.

    >>> parse_value("[1, 2 d]", "--set x")
    [1, '2 d']
    """
    return parse(f"value: {text}", source).data["value"]


def dump(data: Mapping[str, Any]) -> str:
    """Return `data` as YAML that `parse` reads back unchanged, keys in the given order.

    >>> dump({"name": "week", "skin": {"I-II": 0.5}})
    'name: week\\nskin:\\n  I-II: 0.5\\n'
    """
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=96)


def dotted(path: Path) -> str:
    """Return a path as people write it.

    >>> dotted(("pathway", 0, "service"))
    'pathway.0.service'
    """
    return ".".join(map(str, path))


def _value(node: yaml.Node, path: Path, lines: dict[Path, int], source: str) -> Any:  # noqa: ANN401 YAML
    if isinstance(node, yaml.MappingNode) and node.tag == _MAP:
        return _mapping(node, path, lines, source)
    if isinstance(node, yaml.SequenceNode) and node.tag == _SEQ:
        for index, item in enumerate(node.value):
            lines[*path, index] = item.start_mark.line + 1
        return [_value(item, (*path, i), lines, source) for i, item in enumerate(node.value)]
    line = node.start_mark.line + 1
    construct = _VALUES.get(node.tag)
    if construct is None or not isinstance(node, yaml.ScalarNode):
        reason = f"the tag {node.tag} is not accepted: plain values only"
        raise ScenarioError(source, line, dotted(path), reason)
    _whole(node.value, line, path, source)
    try:
        return construct(node.value)
    except ValueError as error:
        # A tag that does not fit its value, or an integer of thousands of digits.
        reason = f"{node.value[:40]!r} is not a value of {node.tag}"
        raise ScenarioError(source, line, dotted(path), reason) from error


def _whole(text: str, line: int, path: Path, source: str) -> None:
    """Refuse half a character, which an escape such as "\\ud800" makes: no file can hold it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        reason = f"{text[:40]!r} holds half a character (a lone surrogate)"
        raise ScenarioError(source, line, dotted(path), reason) from None


def _mapping(
    node: yaml.MappingNode, path: Path, lines: dict[Path, int], source: str
) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ScenarioError(source, line, dotted(path), "a key must be a word")
        # The text as written: a key is never a number, so `1` and `1.0` stay two keys.
        _whole(key_node.value, line, path, source)
        here = (*path, key_node.value)
        if here in lines:
            reason = f"appears twice, first on line {lines[here]}"
            raise ScenarioError(source, line, dotted(here), reason)
        lines[here] = line
        data[key_node.value] = _value(value_node, here, lines, source)
    return data
