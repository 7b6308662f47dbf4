"""The reference of the scenario language as a page of Markdown, made from the JSON Schema."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.language.conditions import FACTS
from simulator.language.experiment import GATE_PATTERN
from simulator.language.faults import NUMBERED_WORKER
from simulator.language.fields import IDENTIFIER_PATTERN, SLUG_PATTERN
from simulator.language.json_schema import scenario_json_schema
from simulator.language.metrics import (
    DIAGNOSTIC,
    OF_ALL,
    OF_LOOP,
    OF_NODE,
    STATISTICS,
    UPSTREAM,
    unit_of,
)
from simulator.language.parameters import DURATION, SHARE, SIGNED_DURATION
from simulator.language.reference_sections import SECTIONS
from simulator.language.reference_text import EXITS, INTRODUCTION, Section
from simulator.language.sources import WHOLE
from simulator.language.stress_metrics import AT_THE_END, OF_STRESS
from simulator.language.yaml_source import dump
from twin.groups import AGE_BANDS

_TITLES: Final = {name: section.title for section in SECTIONS for name in section.tables}
_PATTERNS: Final = {
    DURATION.schema["pattern"]: "duration",
    SIGNED_DURATION.schema["pattern"]: "signed duration",
    SLUG_PATTERN: "small letters, digits and hyphens",
    IDENTIFIER_PATTERN: "name",
    GATE_PATTERN: "gate",
    NUMBERED_WORKER: "`worker-1`, `worker-2`, …",
}
_TEXTS: Final = {
    **dict.fromkeys(("during", "roster"), "weekly windows"),
    **dict.fromkeys(("start", "at"), "time of the week"),
    **dict.fromkeys(("full", "left", "enter"), "node"),
    "then": "node",
    "staff": "group",
    "of": "metric",
    "times": "duration",
    "mean": "signed duration",  # of a punctuality; other means are numbers
}
_GROUPS: Final = {
    "class": "id of the patient's class",
    "truth": "malignant or benign",
    "sex": "female or male",
    "age_band": ", ".join(AGE_BANDS),
    "skin_tone": "I-II, III-IV or V-VI (Fitzpatrick types)",
    "site": "body site, as the cases name it",
    "diagnosis": "as the cases name it, where they have one: sensitivity of the malignant ones, "
    "specificity of the benign",
    "flagged": "yes or no: the AI's verdict",
    "period": "with shifts, by time of arrival: before; while a shift ID rises, ID-ramp; complete, "
    "ID; while it falls, ID-end; and then ID-over",
    "missing": "with faults, yes or no: whether the AI answered without some of its learners",
    "stack": "with restack: version of the stack that answered",
}


def reference() -> str:
    """Return the page."""
    definitions = scenario_json_schema()["$defs"]
    parts = [INTRODUCTION + "\n".join(f"| {code} | {what} |" for code, what in EXITS.items())]
    for section in SECTIONS:
        parts += _section(section, definitions)
    parts += _distributions(definitions["Distribution"])
    parts += _metrics()
    return "\n\n".join(parts) + "\n"


def _section(section: Section, definitions: Mapping[str, Any]) -> Iterator[str]:
    whole = ", ".join(f"`{key}`" for key in sorted(WHOLE))
    yield f"## {section.title}"
    yield section.text.replace("{whole}", whole)
    for name in section.tables:
        schema = definitions[name]
        if len(section.tables) > 1:
            yield f"**{section.tables[name]}** — {schema['description']}"
        yield _table(schema)
    if section.example:
        yield f"```yaml\n{section.example}```"
    if section.after:
        facts = "| fact | what it is |\n|---|---|\n"
        facts += "\n".join(f"| `{fact}` | {what} |" for fact, what in FACTS.items())
        yield section.after.replace("{facts}", facts)


def _table(schema: Mapping[str, Any]) -> str:
    rows = ["| key | what it means | form | default |", "|---|---|---|---|"]
    for key, given in schema["properties"].items():
        needed = "needed" if key in schema.get("required", ()) else ""
        default = _shown(given["default"]) if "default" in given else needed
        about = _cell(given["description"])
        rows.append(f"| `{key}` | {about} | {_cell(_form_of_key(key, given))} | {_cell(default)} |")
    return "\n".join(rows)


def _shown(value: object) -> str:
    if value in ([], {}, ""):
        return "none"
    if isinstance(value, list):
        return f"`{_inline(value)}`"
    if not isinstance(value, dict):
        return f"`{dump({'x': value}).removeprefix('x: ').strip()}`"
    nested = any(isinstance(one, dict | list) for one in value.values())
    return "as there" if nested else f"`{_inline(value)}`"


def _inline(value: object) -> str:
    """Return a value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_inline(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value)


def _form_of_key(key: str, schema: Mapping[str, Any]) -> str:
    return re.sub(r"\btext\b", _TEXTS.get(key, "text"), _form(schema))


def _form(schema: Mapping[str, Any]) -> str:
    """Return in words what a schema accepts."""
    if schema.get("pattern") in _PATTERNS:
        return _PATTERNS[schema["pattern"]]
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "const" in schema or "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    options = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if options:
        shares = [option for option in options if option in SHARE.schema["anyOf"]]
        others = [_form(one) for one in options if one not in shares and one.get("type") != "null"]
        return " or ".join(dict.fromkeys([*(["share"] if shares else []), *others]))
    return _form_of_type(schema)


def _form_of_type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_form(schema['items'])}" if schema.get("items") else "list"
    if kind == "object":
        named = [*schema.get("patternProperties", {}).values()]
        inner = schema.get("additionalProperties") or (named or [None])[0]
        return f"keys, each with: {_form(inner)}" if inner else "keys and values"
    words = {"integer": "whole number", "number": "number", "boolean": "true or false"}
    return f"{words.get(str(kind), 'text')}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    words = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    found = [
        f"{word} {schema[key]:g}"
        for key, word in words.items()
        if key in schema and abs(schema[key]) < 2**60
    ]
    return f", {', '.join(found)}" if found else ""


def _link(name: str) -> str:
    if name == "Distribution":
        return "[time](#distributions)"
    title = _TITLES[name]
    kept = "".join(sign for sign in title.lower() if sign.isalnum() or sign in " -_")
    return f"[{title.partition(':')[0]}](#{kept.replace(' ', '-')})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _distributions(schema: Mapping[str, Any]) -> Iterator[str]:
    yield "## Distributions"
    yield (
        "Of times: for `service`, `delay`, `gap` and `patience`. A bare duration is always the "
        "same. Random numbers are drawn by inversion, so a change of a parameter changes nothing "
        "else."
    )
    rows = ["| name | what it is | how it is written |", "|---|---|---|"]
    [choices] = [option for option in schema["anyOf"] if option.get("type") == "object"]
    for name, given in choices["properties"].items():
        sets = given.get("oneOf", [given])
        written = [f"`{_inline({name: one['examples'][0]})}`" for one in sets]
        rows.append(f"| `{name}` | {_cell(given['description'])} | {'<br>'.join(written)} |")
    yield "\n".join(rows)
    yield (
        "A file of `empirical` is a CSV file with a header, beside the scenario. It is read when "
        "the scenario is loaded."
    )


def _metrics() -> Iterator[str]:
    yield "## Metrics"
    yield (
        "The names in gates, `replications.of`, reports and comparisons. Times are in minutes. "
        f"`STAT` is one of {', '.join(f'`{statistic}`' for statistic in STATISTICS)}."
    )
    rows = ["| metric | what it is | unit |", "|---|---|---|"]
    for name, about in _metric_names():
        rows.append(f"| `{name}` | {about} | {unit_of(name)} |")
    yield "\n".join(rows)
    yield (
        "**Groups.** In braces behind a name: `wait.read.mean{class=urgent}`. Waits and "
        "diagnostic figures are given by group; so are `time_in_system` and "
        "`time_to_diagnosis.all`, but for `max`. A group of fewer than ten cases, all "
        "replications together, has no value."
    )
    rows = ["| group | values |", "|---|---|"]
    rows += [f"| `{key}` | {values} |" for key, values in _GROUPS.items()]
    yield "\n".join(rows)
    yield "## Metrics under load"
    yield "The names in `gates` and `steady_state` of a scenario with `stress`, and in its report."
    rows = ["| metric | what it is | in steady_state |", "|---|---|---|"]
    for name, about in OF_STRESS.items():
        rows.append(f"| `{name}` | {about} | {'no' if name in AT_THE_END else 'yes'} |")
    yield "\n".join(rows)


def _metric_names() -> Iterator[tuple[str, str]]:
    forms = {"wait": "STAT", "queue": "mean`, `queue.NODE.max", "number": "mean", "visits": "count"}
    for name, about in OF_NODE.items():
        yield f"{name}.NODE.{forms.get(name, 'share')}", about
    for name, about in OF_ALL.items():
        shown = {
            "utilisation": "utilisation.GROUP",
            "time_in_system": "time_in_system.STAT",
            "time_to_diagnosis": "time_to_diagnosis.all.STAT`, `time_to_diagnosis.malignant.STAT",
        }
        yield shown.get(name, name), about
    yield from DIAGNOSTIC.items()
    for name, about in OF_LOOP.items():
        yield name, f"{about}; where labels, epochs or faults are"
    for name, about in UPSTREAM.items():
        yield name, f"with a referral: {about}"
