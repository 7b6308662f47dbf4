"""One picture of the page: image, score, truth, and its recipe on demand."""

from dataclasses import asdict, dataclass

from services.gallery.lesions import spoken
from services.gallery.looks import Look
from services.gallery.pictures import Picture
from simulator.report.markup import Html, join, tag
from twin.images import FileRef, SyntheticRef
from twin.ports import Opinion, Unscorable


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How scores are drawn and judged."""

    threshold: float

    def bar(self, p_malignant: float) -> Html:
        """Return a small bar from 0 to 1 with a line at the threshold."""
        return tag(
            "span",
            tag("i", style=f"width:{100 * p_malignant:.1f}%"),
            tag("b", style=f"left:{100 * self.threshold:.1f}%"),
            class_="bar",
            aria_hidden="true",
        )

    def verdict(self, p_malignant: float) -> str:
        """Return the verdict as sign and word."""
        return "▲ malignant" if p_malignant >= self.threshold else "○ benign"

    def agrees(self, p_malignant: float, malignant: bool) -> bool:
        """Return whether the verdict is the truth."""
        return (p_malignant >= self.threshold) == malignant


def card(picture: Picture, look: Look, scale: Scale | None, *, blind_name: str = "") -> Html:
    """Return a picture with what stands below it.

    Parameters:
        blind_name: of a picture whose origin is a riddle; where it comes from is then marked so
            that the page can hide it.
    """
    alt = f"{blind_name or _described(picture)}{_heard(look, scale)}"
    image = (
        tag("img", src=look.source, alt=alt, width="224", height="224", decoding="async")
        if look.source
        else tag("p", "no picture", class_="none")
    )
    origin = tag("p", tag("strong", picture.origin), ": ", picture.column, class_="origin")
    return tag(
        "figure",
        image,
        tag(
            "figcaption",
            *_scored(picture, look, scale),
            tag("p", _truth(picture)) if picture.malignant is not None else "",
            origin if blind_name else tag("p", picture.column),
            tag("div", *_recipe(picture, look), class_="origin tray" if blind_name else "tray"),
        ),
        tabindex="0",
    )


def _described(picture: Picture) -> str:
    what = spoken(picture.diagnosis) if picture.diagnosis else "lesion"
    tone = f" on skin of type {picture.tone}" if picture.tone else ""
    return f"{picture.origin} {what}{tone}, {picture.column}"


def _heard(look: Look, scale: Scale | None) -> str:
    if scale is None or not isinstance(look.answer, Opinion):
        return ""
    p = look.answer.p_malignant
    return f"; p_malignant {p:.2f}, verdict {scale.verdict(p)[2:]}"


def _scored(picture: Picture, look: Look, scale: Scale | None) -> list[Html]:
    if isinstance(look.answer, Unscorable):
        return [tag("p", f"not scored: {look.answer.reason}", class_="fail")]
    if scale is None or look.answer is None:
        return []
    p = look.answer.p_malignant
    said: list[object] = [scale.verdict(p)]
    if picture.malignant is not None:
        right = scale.agrees(p, picture.malignant)
        sign = tag("span", "✓" if right else "✗", class_="mark pass" if right else "mark fail")
        hidden = tag("span", " right" if right else " wrong", class_="heard")
        said += [" ", sign, hidden]
    missing = look.answer.missing
    degraded = [tag("p", f"without {', '.join(missing)}", class_="fail")] if missing else []
    number = tag("p", scale.bar(p), f" {p:.2f}", class_="score")
    return [number, tag("p", *said), *degraded]


def _truth(picture: Picture) -> str:
    label = "malignant" if picture.malignant else "benign"
    named = f"{spoken(picture.diagnosis)}, {label}" if picture.diagnosis else label
    return f"truth: {named}"


def _recipe(picture: Picture, look: Look) -> list[Html]:
    """Return everything about an image that can be told in a few lines."""
    ref = picture.ref
    lines: list[Html] = []
    if isinstance(ref, SyntheticRef):
        values = asdict(ref.recipe)
        seed = values.pop("seed")
        told = ", ".join(f"{name} {value:g}" for name, value in values.items())
        lines.append(join([tag("strong", f"Recipe, seed {seed}: "), told]))
    elif isinstance(ref, FileRef):
        lines.append(join([tag("strong", "File: "), f"{ref.path}, sha256 {ref.sha256[:12]}…"]))
    if ref.acquisition is not None:
        shifts = ", ".join(f"{name} {level}" for name, level in ref.acquisition.severity.items())
        lines.append(
            join([tag("strong", "Acquisition: "), f"{shifts}, seed {ref.acquisition.seed}"])
        )
    if isinstance(look.answer, Opinion):
        votes = ", ".join(f"{name} {value:+.2f}" for name, value in look.answer.log_odds.items())
        lines.append(join([tag("strong", "Log-odds: "), votes]))
    return [tag("p", line) for line in lines]
