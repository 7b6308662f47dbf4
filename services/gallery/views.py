"""The sections of the page as HTML."""

from collections.abc import Mapping
from statistics import median
from typing import Final

from services.gallery.caption import Scale, card
from services.gallery.looks import Look
from services.gallery.pictures import Grid, Row, Section
from simulator.report.markup import Html, join, section, table, tag
from twin.images import ImageRef
from twin.ports import Opinion

Looks = Mapping[ImageRef, Look]

_ROWS: Final = {"lesions": "lesion", "shifts": "shift"}


def _lesions(part: Section, looks: Looks, scale: Scale | None) -> Html:
    summary = _counts(part, looks, scale) if scale else Html("")
    grids = [_grid(part, grid, looks, scale) for grid in part.grids]
    return section(part.title, _jump(part), summary, *grids, key=part.key, note=part.about)


def _counts(part: Section, looks: Looks, scale: Scale) -> Html:
    """Return a table of how often the verdict is malignant, by diagnosis and tone."""
    columns = [picture.column for picture in part.grids[0].rows[0].pictures]
    rows = []
    for grid in part.grids:
        cells: list[object] = [f"{grid.name} ({grid.about})"]
        for place in range(len(columns)):
            answers = [looks[row.pictures[place].ref].answer for row in grid.rows]
            p = [each.p_malignant for each in answers if isinstance(each, Opinion)]
            called = sum(each >= scale.threshold for each in p)
            cells.append(f"{called} of {len(p)}, p {median(p):.2f}" if p else "-")
        rows.append(cells)
    shown = table(
        "Verdicts malignant, and the median p_malignant",
        ["diagnosis", *columns],
        rows,
        numeric=len(columns),
    )
    few = "So few lesions prove nothing about the stack; they show where to look."
    return join([shown, tag("p", few, class_="note")])


def _anchor(part: Section, grid: Grid) -> str:
    return f"{part.key}-{part.grids.index(grid)}"


def _jump(part: Section) -> Html:
    """Return links to the grids of a long section."""
    links = [tag("li", tag("a", each.name, href=f"#{_anchor(part, each)}")) for each in part.grids]
    return tag("nav", tag("ul", *links), aria_label=part.title) if len(links) > 1 else Html("")


def _grid(part: Section, grid: Grid, looks: Looks, scale: Scale | None) -> Html:
    """Return a table of pictures with a heading above."""
    columns = [picture.column for picture in grid.rows[0].pictures]
    heads = [
        tag("th", _ROWS[part.key], scope="col"),
        *(tag("th", one, scope="col") for one in columns),
    ]
    body = [
        tag(
            "tr",
            tag("th", row.name, tag("small", row.about) if row.about else "", scope="row"),
            *(tag("td", card(each, looks[each.ref], scale)) for each in row.pictures),
        )
        for row in grid.rows
    ]
    inner = tag(
        "table",
        tag("caption", grid.about),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_="pictures",
    )
    name = f"Pictures: {grid.name}"
    return join(
        [
            tag("h3", grid.name, id=_anchor(part, grid)),
            tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=name),
        ]
    )


def _real(part: Section, looks: Looks, scale: Scale | None) -> Html:
    if not part.grids:
        none = tag("p", "The data has no images of the diagnoses that were asked for.")
        return section(part.title, none, key=part.key)
    asked = tag(
        "p",
        tag("input", type="checkbox", id="reveal"),
        tag("label", " Show which are real, and where they come from", for_="reveal"),
        class_="reveal",
    )
    grids = [
        join([tag("h3", grid.name), tag("p", grid.about, class_="note"), _cards(row, looks, scale)])
        for grid in part.grids
        for row in grid.rows
    ]
    mixed = tag("div", *grids, class_="mixed")
    return section(part.title, asked, mixed, key=part.key, note=part.about)


def _cards(row: Row, looks: Looks, scale: Scale | None, *, is_blind: bool = True) -> Html:
    shown = [
        tag("li", card(each, looks[each.ref], scale, blind_name=f"{row.name}, picture {place}"))
        if is_blind
        else tag("li", card(each, looks[each.ref], scale))
        for place, each in enumerate(row.pictures, 1)
    ]
    return tag("ul", *shown, class_="cards")


def _shifts(part: Section, looks: Looks, scale: Scale | None) -> Html:
    grids = [_grid(part, grid, looks, scale) for grid in part.grids]
    return section(part.title, _jump(part), *grids, key=part.key, note=part.about)


def _controls(part: Section, looks: Looks, scale: Scale | None) -> Html:
    shown = []
    for row in part.grids[0].rows:
        jpegs = {looks[picture.ref].jpeg for picture in row.pictures}
        alone = (
            tag("p", "All three are alike: it acts only together with another control.")
            if len(jpegs) == 1
            else ""
        )
        heading = tag("h3", tag("code", row.name))
        shown.append(tag("div", heading, alone, _cards(row, looks, scale, is_blind=False)))
    return section(part.title, tag("div", *shown, class_="controls"), key=part.key, note=part.about)


VIEWS: Final = {"lesions": _lesions, "real": _real, "shifts": _shifts, "controls": _controls}
