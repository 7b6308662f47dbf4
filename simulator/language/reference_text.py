"""The words and examples of the scenario reference; its tables are made from the JSON Schema.

Each example is loaded by a test: one with a `name` as it stands, the others laid over the first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the reference."""

    title: str
    text: str
    tables: Mapping[str, str] = field(
        default_factory=dict
    )  # definition of the schema -> heading of its table of keys
    example: str = ""  # YAML
    after: str = ""  # text below the example


INTRODUCTION: Final = """\
# Scenario reference

<!-- Made by `dermtwin schema --reference > docs/scenario-reference.md`; a test compares. -->

A scenario is a YAML file that says who comes to a clinic, what is done for them by whom, and what
is asked of it. This page lists every key. A whole scenario:

```yaml
# yaml-language-server: $schema=scenario.schema.json
name: small-clinic
horizon: 7 d                  # patients come for a week
cases: {source: nominal, population: {prevalence: 8 %}, ai: {sensitivity: 0.9, specificity: 0.8}}
arrivals: {rate_per_h: 6}
pathway:                      # patients enter at the first node
  - {id: imaging, staff: nurse, service: {lognormal: {mean: 6 min, sd: 2 min}}, then: ai}
  - {id: ai, twin: score, then: read}
  - id: read
    staff: reader
    service: {exponential: {mean: 8 min}}
    queue: ai                 # the most suspect first
    then: {biopsy: referred, end: otherwise}
  - {id: biopsy, staff: surgeon, service: 20 min, diagnosis: true, then: end}
staff: {nurse: 1, reader: 1, surgeon: 2}
gates:
  - wait.read.p95 < 4 h
```

```console
$ dermtwin validate clinic.yaml      # is it sound? offered load, expected waits, number of runs
$ dermtwin run clinic.yaml           # run it; its report says where it is
$ dermtwin run clinic.yaml --set staff.reader=2 --set "arrivals.rate_per_h=8"
```

**In an editor.** `dermtwin schema > scenario.schema.json` writes a JSON Schema (draft 2020-12).
With the comment in the first line above, editors that use the YAML language server (VS Code with
the YAML extension by Red Hat, Neovim, Emacs, Helix) complete keys, explain them, and underline
what is wrong.

**Errors** name file, line, key and value, and the nearest valid word:

```text
clinic.yaml:5: pathway.read.servce: unknown key, did you mean 'service'?
```

## How values are written

| value | form | examples |
|---|---|---|
| duration | a number and a unit, which is never left out: ms, s, min, h, d or w | `200 ms`, \
`30 s`, `6 min`, `1.5 h`, `7 d` |
| signed duration | the same, negative for earlier | `-5 min` |
| share | a number from 0 to 1, or a percentage | `0.08`, `8 %` |
| time of the week | weekday and clock time | `Mon 08:00` |
| weekly windows | days and clock times, joined by commas; a part without days keeps those \
before it; what runs over midnight belongs to the day it opens on | \
`Mon-Fri 08:00-12:00, 13:00-17:00, Sat 09:00-12:00`, \
`daily 22:00-06:00` |
| name | a letter, then letters, digits, `_` or `-`; not end, otherwise, default or all | `read` |
| time | a duration, which is then always the same, or a [distribution](#distributions) | `6 min`, \
`{exponential: {mean: 8 min}}` |

YAML is read as version 1.2 says: `yes` and `10:30` are text. Anchors, aliases and tags are refused.

## Exit codes

| code | meaning |
|---|---|
"""

# As `services/exits.py` names them; a test compares the numbers.
EXITS: Final = {
    0: "done, and all gates pass; for `validate`: the scenario is sound",
    1: "something else went wrong; the message says what",
    2: "the scenario, an option or an environment variable is not valid; nothing was written",
    3: "a gate fails",
    4: "a gate is inconclusive: its interval straddles the bound, or a figure has no value",
    5: "a mirror is not what its log leads to (`rebuild`)",
    130: "stopped by Ctrl-C; `dermtwin resume` carries on",
}
