"""The gallery as one HTML file that opens offline; it holds no script at all."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from statistics import median

from services.gallery.caption import Scale, card
from services.gallery.looks import JPEG_QUALITY, Look
from services.gallery.pictures import Grid, Row, Section
from simulator.report.markup import Html, join, section, table, tag
from twin.images import ImageRef
from twin.ports import Opinion

Looks = Mapping[ImageRef, Look]

_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page says about itself."""

    model_id: str | None
    threshold: float | None  # p_malignant from which the verdict is malignant
    without_model: str  # why there are no scores; empty with a model
    without_data: str  # why there are no real images; empty with them
    data: str | None  # which real images
    seed: int
    command: Sequence[str]  # that makes the same page again


def gallery_page(sections: Sequence[Section], looks: Looks, told: Told) -> str:
    """Return the page; the same arguments give the same bytes."""
    scale = None if told.threshold is None else Scale(threshold=told.threshold)
    bodies: dict[str, Html] = {
        each.key: _SECTIONS[each.key](each, looks, scale) for each in sections
    }
    if told.without_data:
        bodies["real"] = section(
            "Real images and rendered lesions, mixed", tag("p", told.without_data), key="real"
        )
    names = {"lesions": "By diagnosis and tone", "real": "Real or rendered"}
    names |= {"shifts": "Acquisition shifts", "controls": "Controls", "again": "Make it again"}
    bodies["again"] = _again(told)
    links = [tag("li", tag("a", names[key], href=f"#{key}")) for key in names if key in bodies]
    head = join(
        [
            Html('<meta charset="utf-8">'),
            tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", "Gallery: dermtwin"),
            tag("style", Html(_style("simulator.report", "report.css"))),
            tag("style", Html(_style("services.gallery", "gallery.css"))),
        ],
        "\n",
    )
    inner = tag(
        "main",
        _top(sections, looks, told),
        tag("nav", tag("ul", *links), aria_label="Contents"),
        _legend(scale),
        join(bodies[key] for key in names if key in bodies),
    )
    whole = join([tag("head", head), "\n", tag("body", inner)])
    return f'<!doctype html>\n<html lang="en">\n{whole}\n</html>\n'


def _style(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _top(sections: Sequence[Section], looks: Looks, told: Told) -> Html:
    shown = sum(1 for each in sections for _ in each.pictures())
    unscored = sum(1 for look in looks.values() if look.jpeg is None)
    model = (
        f"Scores are of model {told.model_id}; from p {told.threshold:.3f} on, its verdict is "
        "malignant."
        if told.model_id
        else ""
    )
    return join(
        [
            tag("h1", "Gallery"),
            tag(
                "p",
                "Cases by class, tone and shift, to be looked at before any figure is believed.",
                class_="question",
            ),
            tag("div", tag("p", f"{shown} pictures, seed {told.seed}. {model}"), class_="answer"),
            tag("div", tag("p", told.without_model), class_="warn") if told.without_model else "",
            tag("div", tag("p", f"{unscored} image(s) could not be read."), class_="warn")
            if unscored
            else "",
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )


def _legend(scale: Scale | None) -> Html:
    said = [
        "Point at a picture, tap it, or reach it with the Tab key: its recipe then stands at the "
        "bottom of the window.",
        f"Pictures are stored here as JPEG of quality {JPEG_QUALITY}; the stack sees the pixels "
        "before that.",
    ]
    items: list[Html] = []
    if scale is not None:
        items = [
            tag("li", scale.bar(0.7), " 0.70: p_malignant; the line across is the threshold"),
            tag("li", "▲ malignant, ○ benign: the verdict of the model"),
            tag("li", "✓ the verdict agrees with the truth, ✗ it does not"),
        ]
    return tag(
        "aside",
        tag("h2", "How to read it"),
        tag("ul", *items, *(tag("li", one) for one in said)),
        class_="legend",
        aria_label="Legend",
    )


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
    heads = [tag("th", "", scope="col"), *(tag("th", one, scope="col") for one in columns)]
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


_SECTIONS = {"lesions": _lesions, "real": _real, "shifts": _shifts, "controls": _controls}


def _again(told: Told) -> Html:
    facts = [
        ["model", told.model_id or "none"],
        ["seed", str(told.seed)],
        ["real images", told.data or "none"],
        ["dermtwin", version("dermtwin")],
    ]
    return section(
        "Make it again",
        tag("pre", shlex.join(told.command)),
        tag("p", "The same command, version, model and data give the same bytes.", class_="note"),
        table("What this rests on", ["fact", "value"], facts),
        key="again",
    )
