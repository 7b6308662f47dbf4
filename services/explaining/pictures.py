"""Pictures of an explanation's page: images, maps with their scale, similar cases."""

import base64
import io
from collections.abc import Mapping

from services.explaining.colours import css_gradient
from services.explaining.explained import Explained
from services.explaining.overlay import ends_of, overlay
from services.explaining.result import is_low
from services.explaining.training_images import TrainingImage
from simulator.report.markup import Html, join, mark, tag
from twin.explain.maps import Map, Pixels
from twin.explain.methods import METHODS
from twin.explain.neighbours import Neighbour

_QUALITY = 88  # of JPEG; the files beside the page hold the pixels as they are


def maps_of(one: Explained) -> Html:
    """Return the image and its maps, each with what it shows, scale and fidelity."""
    first = tag(
        "figure",
        image_of(one.pixels, f"the image {one.path.name}"),
        tag("figcaption", tag("strong", "Image"), " As the stem sees it, 224 × 224 pixels."),
    )
    shown = [tag("li", _map(one.pixels, each)) for each in one.explanation.maps]
    return tag("ul", tag("li", first), *shown, class_="maps")


def _map(pixels: Pixels, found: Map) -> Html:
    method = METHODS[found.method]
    low, high = ends_of(found)
    scale = join(
        [
            tag("span", class_="scale", style=f"background:{css_gradient()}"),
            tag(
                "span",
                tag("span", low),
                tag("span", method.unit),
                tag("span", high),
                class_="ends",
            ),
        ]
    )
    caption = tag("figcaption", tag("strong", method.title), f" {method.about} ", fidelity(found))
    return tag("figure", image_of(overlay(pixels, found), f"{method.title} map"), scale, caption)


def fidelity(found: Map) -> Html:
    """Return in words how far a map's source is the stack."""
    if METHODS[found.method].ask is not None:
        return mark("pass", "asks the stack itself")
    if found.fidelity is None:
        return mark("inconclusive", "fidelity not measured")
    if is_low(found):
        return mark("fail", f"low fidelity: {found.fidelity:.3f}")
    return mark("pass", f"fidelity {found.fidelity:.3f}")


def similar_cases(one: Explained, known: Mapping[int, TrainingImage]) -> Html:
    """Return the nearest training cases with labels and distances, and why some have no picture."""
    if not one.neighbours:
        return tag("p", "The model has no k-nearest-neighbours learner.")
    shown = [tag("li", _neighbour(near, known[near.row])) for near in one.neighbours]
    reasons = sorted({known[near.row].why_not for near in one.neighbours} - {""})
    lost = tag("p", f"Without a picture: {'; '.join(reasons)}.", class_="note") if reasons else ""
    return join([tag("ul", *shown, class_="near"), lost])


def _neighbour(near: Neighbour, image: TrainingImage) -> Html:
    label = "▲ malignant" if near.malignant else "○ benign"
    seen = (
        tag("div", "picture not at hand", class_="none-shown")
        if image.pixels is None
        else image_of(image.pixels, f"training case {image.name}, {label[2:]}")
    )
    said = tag("strong", label)
    return tag(
        "figure", seen, tag("figcaption", said, f" distance {near.distance:.2f} ", image.name)
    )


def image_of(pixels: Pixels, said: str) -> Html:
    """Return pixels as an element, with what it shows for those who cannot see it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=_QUALITY)
    source = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
    return tag("img", src=source, alt=said, width=224, height=224, loading="lazy")
