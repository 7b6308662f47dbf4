"""What the page says where something is missing or other than expected."""

from dataclasses import replace

import pytest

from services.gallery.caption import Scale, card
from services.gallery.controls import controls
from services.gallery.looks import Look
from services.gallery.pictures import Picture, Section
from services.gallery.views import VIEWS
from twin.ports import Opinion, Unscorable

PICTURE = replace(
    controls(0).grids[0].rows[0].pictures[0], malignant=True, diagnosis="melanoma", tone="VI"
)
SCALE = Scale(threshold=0.4)


def opinion(p_malignant: float, *missing: str) -> Opinion:
    return Opinion(p_malignant=p_malignant, log_odds={"knn": 1.25}, missing=missing)


def shown(answer: Opinion | Unscorable | None, picture: Picture = PICTURE) -> str:
    return card(picture, Look(jpeg=b"jpeg", answer=answer), SCALE)


@pytest.mark.parametrize(
    ("p_malignant", "malignant", "said", "sign"),
    [
        (0.4, True, "▲ malignant", "✓"),
        (0.4, False, "▲ malignant", "✗"),
        (0.39, False, "○ benign", "✓"),
        (0.39, True, "○ benign", "✗"),
    ],
)
def test_the_threshold_itself_is_malignant_and_signs_tell_right_from_wrong(
    p_malignant: float, malignant: bool, said: str, sign: str
) -> None:
    text = shown(opinion(p_malignant), replace(PICTURE, malignant=malignant))
    assert said in text
    assert [each for each in "✓✗" if each in text] == [sign]
    assert f"p_malignant {p_malignant:.2f}, verdict {said[2:]}" in text  # heard, too


def test_missing_learners_are_told() -> None:
    assert "without svm, knn" in shown(opinion(0.5, "svm", "knn"))
    assert "without" not in shown(opinion(0.5))


def test_why_an_image_has_no_score_is_told_and_escaped() -> None:
    text = shown(Unscorable(reason="image <b>: broken"))
    assert "not scored: image &lt;b&gt;: broken" in text
    assert "▲" not in text


def test_a_control_that_changes_nothing_alone_is_told() -> None:
    section = controls(0)
    looks = {
        picture.ref: Look(jpeg=row.name.encode() + picture.column.encode(), answer=None)
        for _, row, picture in section.pictures()
    }
    assert "All three are alike" not in VIEWS["controls"](section, looks, None)
    for picture in section.grids[0].rows[2].pictures:
        looks[picture.ref] = Look(jpeg=b"alike", answer=None)
    assert VIEWS["controls"](section, looks, None).count("All three are alike") == 1


def test_data_without_what_was_asked_for_is_told() -> None:
    empty = Section(key="real", title="Real", about="", grids=())
    assert "The data has no images of the diagnoses" in VIEWS["real"](empty, {}, None)
