"""HTML in small pieces. Whatever is no `Html` is escaped: text of a scenario never becomes markup.

>>> tag("p", "a < b", id="x")
'<p id="x">a &lt; b</p>'
"""

import html
from collections.abc import Iterable, Sequence
from typing import Final

_VOID: Final = ("br", "img", "input", "meta")


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a value as markup: escaped, unless it is markup already."""
    return value if isinstance(value, Html) else Html(html.escape(str(value), quote=True))


def join(parts: Iterable[object], between: object = "") -> Html:
    """Return parts one after another."""
    return Html(text(between).join(text(part) for part in parts))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """Return an element. `class_` stands for class, `data_x` for data-x; None leaves one out."""
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Html(f"<{name}{given}>")
    return Html(f"<{name}{given}>{join(content)}</{name}>")


def section(title: str, *content: object, key: str, note: str = "") -> Html:
    """Return a section with its heading; empty where it has no content."""
    parts = [part for part in content if part]
    if not parts:
        return Html("")
    lead = tag("p", note, class_="note") if note else ""
    heading = tag("h2", title, id=f"{key}-title")
    return tag("section", heading, lead, *parts, id=key, aria_labelledby=f"{key}-title")


def details(summary: object, *content: object, is_open: bool = False) -> Html:
    """Return content that a reader can fold; empty where there is none."""
    inner = join(part for part in content if part)
    if not inner:
        return Html("")
    opened = " open" if is_open else ""
    return Html(f"<details{opened}><summary>{text(summary)}</summary>{inner}</details>")


def table(
    caption: object, head: Sequence[object], rows: Sequence[Sequence[object]], *, numeric: int = 0
) -> Html:
    """Return a table; the first cell of a row names it.

    Parameters:
        numeric: columns at the right end whose cells hold numbers.
    """
    if not rows:
        return Html("")
    first = len(head) - numeric

    def kind(place: int) -> str | None:
        return "n" if place >= first else None

    heads = [tag("th", cell, scope="col", class_=kind(place)) for place, cell in enumerate(head)]
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(tag("td", cell, class_=kind(place)) for place, cell in enumerate(row[1:], 1)),
        )
        for row in rows
    ]
    inner = tag(
        "table", tag("caption", caption), tag("thead", tag("tr", *heads)), tag("tbody", *body)
    )
    # A wide table scrolls within the page; whoever uses the keyboard can reach it.
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def small(value: object) -> Html:
    """Return a remark under a cell's figure."""
    return tag("small", value)


def mark(verdict: str | bool | None, word: str = "") -> Html:
    """Return a verdict as sign and word: never as colour alone."""
    kind = {"True": "pass", "False": "fail", "None": "none"}.get(str(verdict), str(verdict))
    sign, said = {
        "pass": ("✓", "pass"),
        "fail": ("✗", "fail"),
        "inconclusive": ("?", "inconclusive"),
    }.get(kind, ("–", "no verdict"))
    shown = tag("span", sign, aria_hidden="true")
    return tag("span", shown, " ", word or said, class_=f"mark {kind}")
