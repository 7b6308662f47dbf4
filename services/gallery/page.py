"""The gallery as one HTML file that opens offline; it holds no script at all."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from typing import Final

from services.gallery.caption import Scale
from services.gallery.looks import JPEG_QUALITY
from services.gallery.pictures import Section
from services.gallery.views import VIEWS, Looks
from simulator.report.markup import Html, join, section, table, tag

_POLICY: Final = (
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
    bodies: dict[str, Html] = {each.key: VIEWS[each.key](each, looks, scale) for each in sections}
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
