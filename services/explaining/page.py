"""The page of `dermtwin explain`: one file that opens offline."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from services.explaining.explained import Explained, Unexplained
from services.explaining.figures import contributions_figure, curves_figure
from services.explaining.pictures import maps_of, similar_cases
from services.explaining.training_images import TrainingImage
from simulator.report.figures import chosen, drawn
from simulator.report.markup import Html, join, mark, section, small, table, tag
from simulator.report.page import page
from twin.explain.methods import METHODS
from twin.model import Model

_IS: Final = (
    "Every map shows where the stack's log-odds of malignancy come from, whatever the verdict is. "
    "Yellow is the most important place of this image and map, dark blue the least; each map has a "
    "scale of its own, so colours of two maps do not compare. The highest hundredth of a map's "
    "values is drawn alike; the arrays hold them all.",
    "Occlusion and RISE ask the stack itself about changed images. The other maps are gradients of "
    "a smooth surrogate; its fidelity is the rank correlation of its log-odds with the stack's on "
    "images that neither was fitted to.",
    "Deletion takes the most important pixels away first, insertion puts them in first; areas are "
    "mean log-odds in nats. ✓ means better than the mean of random maps that are as smooth.",
    "Contributions are exact: the stack adds weight times vote.",
)
_IS_NOT: Final = (
    "A map is no outline of a lesion, no medical finding, and no proof that the verdict is right.",
    "Taking pixels away makes images that nobody photographed; what the stack says of them is part "
    "of every score on this page.",
    "Similar cases are alike to the model: by statistics of colour and texture, not by diagnosis.",
)


def explain_page(
    model: Model,
    found: Sequence[Explained | Unexplained],
    known: Mapping[int, TrainingImage],
) -> str:
    """Return the page.

    Parameters:
        found: in the order in which the images were given.
        known: training images near any of them, by row.
    """
    explained = [(place, one) for place, one in enumerate(found, 1) if isinstance(one, Explained)]
    unread = [one for one in found if isinstance(one, Unexplained)]
    contents = [(f"image-{place}", one.path.name) for place, one in explained]
    contents += [("unread", "Not explained")] if unread else []
    contents += [("reading", "How to read it")]
    top = join(
        [
            tag("h1", "Why the twin answers as it does"),
            tag(
                "div",
                tag(
                    "p",
                    f"{len(explained)} of {len(found)} image(s) explained by model "
                    f"{model.model_id}. From p {model.threshold:.3f} on, its verdict is "
                    "malignant. ",
                    _surrogate(model.content.get("surrogate")),
                ),
                class_="answer",
            ),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    sections = [_image(place, one, model.threshold, known) for place, one in explained]
    sections += [_unread(unread), _reading()]
    style = files("services.explaining").joinpath("explain.css").read_text(encoding="utf-8")
    return page("Explanations: dermtwin", top, contents, join(sections), style=style)


def _surrogate(fidelity: Mapping[str, Any] | None) -> str:
    if fidelity is None:
        return "Nobody measured how well its surrogate stands for it."
    return (
        f"Its surrogate orders {fidelity['images']} unseen images as the stack does with rank "
        f"correlation {fidelity['rank_correlation']:.3f}, and explains {fidelity['r2']:.0%} of "
        "the variance of its log-odds."
    )


def _image(
    place: int, one: Explained, threshold: float, known: Mapping[int, TrainingImage]
) -> Html:
    p = one.opinion.p_malignant
    word = "▲ malignant" if one.malignant else "○ benign"
    sign = "≥" if one.malignant else "<"
    verdict = tag(
        "p",
        tag("strong", word),
        f": p {p:.3f} {sign} threshold {threshold:.3f}; log-odds "
        f"{one.contributions.log_odds:+.2f} nats.",
    )
    missing = one.contributions.missing
    degraded = f"Without a vote of {', '.join(missing)}: another stack answered." if missing else ""
    return section(
        one.path.name,
        tag("div", verdict, class_="answer"),
        tag("div", tag("p", degraded), class_="warn") if degraded else "",
        maps_of(one),
        tag("h3", "What each learner added"),
        drawn(contributions_figure(one.contributions)),
        _contributions(one),
        tag("h3", "Whether the maps point at what the stack looks at"),
        _checks(one),
        chosen(curves_figure(one.explanation)),
        tag("h3", "Training cases that look alike to the model"),
        similar_cases(one, known),
        key=f"image-{place}",
        note=str(one.path),
    )


def _contributions(one: Explained) -> Html:
    told = one.contributions
    rows: list[list[object]] = [["intercept", "", "", f"{told.intercept:+.4f}"]]
    rows += [
        [part.name, f"{part.vote:+.4f}", f"{part.weight:.4f}", f"{part.nats:+.4f}"]
        for part in told.parts
    ]
    rows.append([tag("strong", "sum"), "", "", tag("strong", f"{told.log_odds:+.4f}")])
    head = ["", "vote, nats", "weight", "contribution, nats"]
    return table("Votes, meta-learner's weights, exact contributions", head, rows, numeric=3)


def _checks(one: Explained) -> Html:
    rows = []
    for found in one.explanation.maps:
        check = one.explanation.checks.get(found.method)
        if check is None:
            continue
        rows.append(
            [
                METHODS[found.method].title,
                _against(check.deletion_area, check.random_deletion_area),
                _verdict(beats=check.deletion_beats_random),
                _against(check.insertion_area, check.random_insertion_area),
                _verdict(beats=check.insertion_beats_random),
            ]
        )
    head = ["map", "deletion area", "smaller than random", "insertion area", "larger than random"]
    return table("Mean log-odds in nats while pixels go and come", head, rows, numeric=4)


def _against(area: float, random: float) -> Html:
    return join([f"{area:+.2f} ", small(f"random {random:+.2f}")])


def _verdict(*, beats: bool) -> Html:
    return mark("pass" if beats else "fail", "yes" if beats else "no")


def _unread(unread: Sequence[Unexplained]) -> Html:
    rows = [[str(one.path), one.reason] for one in unread]
    return section(
        "Not explained",
        table("Images that could not be read", ["image", "why"], rows),
        key="unread",
    )


def _reading() -> Html:
    return section(
        "How to read it",
        tag("h3", "What a map is"),
        tag("ul", *(tag("li", one) for one in _IS)),
        tag("h3", "What it is not"),
        tag("ul", *(tag("li", one) for one in _IS_NOT)),
        key="reading",
    )
