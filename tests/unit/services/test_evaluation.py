from pathlib import Path

import numpy as np
import pytest

from services.evaluation import cross_validation
from services.evaluation.cross_validation import Plan, cross_validate
from services.evaluation.figures import view_figures
from services.evaluation.scoring import STACK, ImageScores
from services.evaluation.views import (
    FOLDS,
    FOLDS_MATCHED,
    MATCHED,
    SPLIT,
    UNLEAKED,
    fold_views,
    split_views,
)
from services.evaluation.words import findings, pair_finding
from services.learning import Lesson
from simulator.cases.datasets import LabelledImage
from twin.evaluation.nested import OuterFold


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def image(name: str, malignant: bool, split: str = "test", **more) -> LabelledImage:
    facts = {"group": name, "source": None, **more}
    return LabelledImage(
        path=name, sha256=name.ljust(64, "0"), malignant=malignant, split=split, **facts
    )


def directory(sources: bool = True, ids: bool = True) -> list[LabelledImage]:
    """Malignant images come from a and b, benign ones from a; some test lesions are in train."""
    found = []
    for place in range(160):
        malignant = place % 2 == 0
        source = ("b" if malignant and place % 4 == 0 else "a") if sources else None
        name = f"{place:03d}.jpg"
        split = "train" if place < 80 else "test"
        group = f"lesion {place % 80}" if ids and place % 80 < 10 else name
        found.append(image(name, malignant, split, group=group, source=source))
    return found


def scores_of(images: list[LabelledImage], seed: int = 1, source_helps: float = 0.0) -> ImageScores:
    stream = np.random.default_rng(seed)
    y = np.array([one.malignant for one in images])
    z = np.where(y, 0.8, -0.8) + stream.normal(0, 1, len(y))
    z += source_helps * np.array([one.source == "b" for one in images])
    return ImageScores(images, {STACK: 1 / (1 + np.exp(-z)), "coin": stream.random(len(y))}, ())


def test_views_leave_out_leaked_lesions_and_other_sources() -> None:
    images = directory()
    train, test = images[:80], images[80:]
    found = {view.key: view for view in split_views(test, train)}
    assert found[SPLIT].mask.sum() == 80
    assert found[UNLEAKED].mask.sum() == 70
    assert not {test[k].group for k in np.flatnonzero(found[UNLEAKED].mask)} & {
        one.group for one in train
    }
    matched = [test[place] for place in np.flatnonzero(found[MATCHED].mask)]
    assert {one.source for one in matched} == {"a"}
    assert {one.malignant for one in matched} == {True, False}
    assert "10 test images" in found[UNLEAKED].about


@pytest.mark.parametrize(
    ("images", "key", "why"),
    [
        (directory(sources=False), MATCHED, "states no sources"),
        (directory(ids=False), UNLEAKED, "nobody knows what leaks"),
        (directory()[:80], SPLIT, "no test split"),
        (
            [one for one in directory() if one.malignant == (one.source == "b")],
            MATCHED,
            "no source",
        ),
        (directory()[:90], SPLIT, "5 benign images, and 10 are the least"),
    ],
)
def test_a_view_that_cannot_be_given_says_why(images, key: str, why: str) -> None:
    test = [one for one in images if one.split == "test"]
    views = split_views(test, [one for one in images if one.split == "train"])
    left_out = next(view for view in views if view.key == key)
    assert left_out.mask is None
    assert why in left_out.why_not
    scores = scores_of(test) if test else ImageScores((), {}, ())
    figures = view_figures(scores, views, 0.5, resamples=50)
    assert figures[key]["answers"] == {}
    assert why in figures[key]["why_not"]


def test_words_say_what_the_intervals_show_and_no_more() -> None:
    images = directory()
    test, train = images[80:], images[:80]
    views = split_views(test, train)
    helped = scores_of(test, source_helps=6.0)
    said = {one["key"]: one for one in findings(helped, views, None, (), 0.5, resamples=300)}
    assert set(said) == {"leak", "split", "source", "source-found"}
    assert said["source-found"]["figures"]["sensitivity"]["value"] > 0
    assert said["source-found"]["words"].startswith("Test images, malignant images of other")
    assert said["source"]["figures"]["auc"]["low"] > 0
    assert "may rest on recognising the source" in said["source"]["words"]
    assert "cannot tell the two apart" in said["source"]["words"]
    plain = {
        one["key"]: one["words"]
        for one in findings(scores_of(test), views, None, (), 0.5, resamples=300)
    }
    assert "do not show" in plain["source"]
    assert "no proof" in plain["source"]


def test_leaked_images_are_compared_with_answers_of_models_that_never_met_them() -> None:
    images = directory()
    test = images[80:]
    tested, crossed = scores_of(test), scores_of(images, seed=2)
    said = {
        one["key"]: one
        for one in findings(
            tested,
            split_views(test, images[:80]),
            crossed,
            fold_views(images),
            0.5,
            resamples=100,
        )
    }
    assert {"leak-paired", "folds", "folds-unleaked", "folds-source", "folds-source-found"} <= set(
        said
    )
    assert {view.key for view in fold_views(images)} == {FOLDS, FOLDS_MATCHED}


def test_two_answerers_are_compared_on_the_same_images() -> None:
    test = directory()[80:]
    view = split_views(test, ())[0]
    found = pair_finding(scores_of(test), STACK, "coin", view, 0.5, resamples=200)
    assert found["figures"]["auc"]["low"] > 0
    assert "stack ranks better than coin" in found["words"]


def test_a_fold_that_was_done_is_not_done_again(tmp_path: Path, monkeypatch) -> None:
    images = directory()
    done: list[int] = []

    def fake_fold(pixels, labels, groups, fold, *, outer, **more) -> OuterFold:
        done.append(fold)
        if fold == 2 and done.count(2) == 1:
            raise KeyboardInterrupt
        places = np.arange(fold, len(labels), outer)
        return OuterFold(
            places=places,
            p_malignant=places / 1000,
            log_odds={"svm": places * 0.0},
            model_id="m" * 12,
        )

    monkeypatch.setattr(cross_validation, "outer_fold", fake_fold)
    plan = Plan(root=tmp_path, images=images, lesson=Lesson(), outer=4)
    with pytest.raises(KeyboardInterrupt):
        cross_validate(tmp_path, plan, quiet)
    scores = cross_validate(tmp_path, plan, quiet)
    assert done == [0, 1, 2, 2, 3]
    assert scores.p_malignant[STACK].tolist() == [place / 1000 for place in range(160)]
    assert set(scores.p_malignant["svm"]) == {0.5}
    regrouped = Plan(root=tmp_path, images=[*images[1:], image("x", True)], lesson=Lesson())
    assert regrouped.key() != plan.key()
