"""What differences between views mean, in words that claim no more than the images show."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from services.evaluation.scoring import STACK, ImageScores
from services.evaluation.views import FEWEST, FOLDS, FOLDS_MATCHED, MATCHED, SPLIT, UNLEAKED, View
from twin.evaluation.differences import difference
from twin.evaluation.measured import Answers, Figure
from twin.evaluation.resampling import RESAMPLES, Bools

# What is compared: these do not depend on the share of malignant images, which differs by view.
_COMPARED: Final = ("auc", "sensitivity", "specificity")
_SHOWN: Final = 3  # decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A comparison of two sets of answers and what may be read from it."""

    key: str  # leak, source, folds, ...
    first: str  # view or answerer
    second: str
    figures: Mapping[str, Figure]  # first minus second, with 95 % intervals
    words: str


def findings(
    tested: ImageScores,
    split_views: Sequence[View],
    crossed: ImageScores | None,
    fold_views: Sequence[View],
    threshold: float,
    *,
    who: str = STACK,
    resamples: int = RESAMPLES,
) -> list[dict[str, Any]]:
    """Return what differences between the views of one answerer mean, as JSON values.

    Parameters:
        tested: scores of the test images, and their views.
        crossed: cross-validated scores, and their views; None if there are none.
    """
    parts = _parts(tested, split_views, who)
    if crossed is not None:
        parts |= _parts(crossed, fold_views, who)
    found: list[Finding] = []

    def compare(key: str, first: str, second: str, meaning: Mapping[str, str]) -> None:
        if first in parts and second in parts:
            figures = difference(parts[first], parts[second], threshold, resamples=resamples)
            found.append(_finding(key, first, second, figures, meaning))

    leaked = _leaked(split_views)
    if leaked is not None:
        answers = tested.answers(who)
        parts["leaked"] = answers.part(leaked)
        compare("leak", "leaked", UNLEAKED, _LEAK)
        if crossed is not None:
            parts["leaked, cross-validated"] = _same_images(tested, leaked, crossed, who)
            compare("leak-paired", "leaked", "leaked, cross-validated", _LEAK_PAIRED)
    compare("split", SPLIT, UNLEAKED, _SPLIT)
    compare(
        "source", UNLEAKED if UNLEAKED in parts else SPLIT, MATCHED, _where("Test images", _SOURCE)
    )
    for key, base, images in (
        ("source-found", UNLEAKED if UNLEAKED in parts else SPLIT, tested),
        ("folds-source-found", FOLDS, crossed),
    ):
        matched = MATCHED if base != FOLDS else FOLDS_MATCHED
        masks = {view.key: view.mask for view in (*split_views, *fold_views)}
        whole, inside = masks.get(base), masks.get(matched)
        if images is None or whole is None or inside is None:
            continue
        ill = np.array([image.malignant for image in images.images])
        if (ill & whole & ~inside).sum() < FEWEST:
            continue
        names = (f"malignant of other sources ({base})", f"malignant of the source ({base})")
        answers = images.answers(who)
        parts[names[0]] = answers.part(ill & whole & ~inside)
        parts[names[1]] = answers.part(ill & inside)
        where = "Cross-validation" if base == FOLDS else "Test images"
        compare(key, *names, _where(where, _FOUND))
    compare("folds", SPLIT, FOLDS, _FOLDS)
    compare("folds-unleaked", UNLEAKED, FOLDS, _FOLDS_UNLEAKED)
    compare("folds-source", FOLDS, FOLDS_MATCHED, _where("Cross-validation", _SOURCE))
    return [asdict(one) for one in found]


def pair_finding(
    scores: ImageScores,
    first: str,
    second: str,
    view: View,
    threshold: float,
    *,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Return how two answerers differ on the same images (paired), as JSON values."""
    assert view.mask is not None, view.why_not
    answers = [scores.answers(who).part(view.mask) for who in (first, second)]
    figures = difference(answers[0], answers[1], threshold, resamples=resamples)
    meaning = {
        "about": f"{first} against {second} on the same images ({view.title.lower()})",
        "above": f"{first} ranks better than {second}",
        "below": f"{second} ranks better than {first}",
        "open": "the images do not tell which ranks better",
        "caution": "",
    }
    return asdict(_finding(f"{first} against {second}", first, second, figures, meaning))


_LEAK: Final = {
    "about": "Test images whose lesion training met, against the others",
    "above": "leaked lesions are answered better",
    "below": "leaked lesions are answered worse",
    "open": "the images do not show that leaked lesions are answered better or worse",
    "caution": "They are other lesions, perhaps harder or of other sources, so this says nothing "
    "of what memory does.",
}
_LEAK_PAIRED: Final = {
    "about": "The same leaked test images, answered by the model that met their lesions and by "
    "models of cross-validation that did not",
    "above": "meeting a lesion in training raises the score of its other images",
    "below": "meeting a lesion in training does not raise the score of its other images",
    "open": "the images do not show that meeting a lesion in training raises the score of its "
    "other images",
    "caution": "Both learned from about as many images, in part from others.",
}
_SPLIT: Final = {
    "about": "The test split against its part without leaked lesions",
    "above": "the score is lower without leaked lesions",
    "below": "the score is higher without leaked lesions",
    "open": "the images do not show that the score differs without leaked lesions",
    "caution": "With or without a change, the part without leaked lesions is the one to quote.",
}
_SOURCE: Final = {
    "about": "all sources against one source alone",
    "above": "the score is lower where source cannot help: part of it may rest on recognising "
    "the source",
    "below": "the score is not lower where source cannot help",
    "open": "the images do not show that the score falls where source cannot help; that is no "
    "proof that source is not used",
    "caution": "Its malignant lesions may also be harder ones; these images cannot tell the two "
    "apart.",
}
_FOUND: Final = {
    "about": "malignant images of other sources against those of the one source that has both "
    "classes",
    "by": "sensitivity",
    "above": "those of other sources are found more often",
    "below": "those of other sources are found less often",
    "open": "the images do not show that one of the two is found more often",
    "caution": "A model that recognised sources without benign images would do so, and so would "
    "one that meets easier lesions there; no benign image of these sources is here to tell.",
}
_FOLDS: Final = {
    "about": "The test split against cross-validation by lesion",
    "above": "the split's score is higher than what new lesions of these sources would give",
    "below": "the split's score is lower than cross-validation's",
    "open": "the split and cross-validation do not differ by more than chance",
    "caution": "Cross-validation averages over other models, each without one fold of all images. "
    "Settings that were chosen before on some of these images are not nested in it.",
}
_FOLDS_UNLEAKED: Final = {
    **_FOLDS,
    "about": "The test split without leaked lesions against cross-validation by lesion",
    "above": "the test images left are answered better than images of cross-validation",
    "below": "the test images left are answered worse than images of cross-validation",
    "open": "they do not differ by more than chance",
}


def _where(where: str, meaning: Mapping[str, str]) -> dict[str, str]:
    return {**meaning, "about": f"{where}, {meaning['about']}"}


def _finding(
    key: str, first: str, second: str, figures: Mapping[str, Figure], meaning: Mapping[str, str]
) -> Finding:
    decisive = figures[meaning.get("by", "auc")]
    if decisive.value is None or decisive.low is None or decisive.high is None:
        words = f"{meaning['about']}: too few images for an interval, so nothing is said."
    else:
        side = "above" if decisive.low > 0 else "below" if decisive.high < 0 else "open"
        shown = ", ".join(
            _shown(name, figures[name]) for name in _COMPARED if figures[name].value is not None
        )
        words = " ".join(
            part
            for part in (f"{meaning['about']}: {meaning[side]} ({shown}).", meaning["caution"])
            if part
        )
    return Finding(key=key, first=first, second=second, figures=figures, words=words)


def _shown(name: str, figure: Figure) -> str:
    title = "AUC" if name == "auc" else name
    if figure.value is None or figure.low is None or figure.high is None:
        return f"{title} not defined"
    return (
        f"{title} {figure.value:+.{_SHOWN}f} [{figure.low:+.{_SHOWN}f}, {figure.high:+.{_SHOWN}f}]"
    )


def _parts(scores: ImageScores, views: Sequence[View], who: str) -> dict[str, Answers]:
    answers = scores.answers(who) if scores.images else None
    return {
        view.key: answers.part(view.mask)
        for view in views
        if answers is not None and view.mask is not None
    }


def _leaked(views: Sequence[View]) -> Bools | None:
    masks = {view.key: view.mask for view in views}
    split, unleaked = masks.get(SPLIT), masks.get(UNLEAKED)
    if split is None or unleaked is None or not (split & ~unleaked).any():
        return None
    leaked: Bools = split & ~unleaked
    return leaked


def _same_images(scores: ImageScores, mask: Bools, crossed: ImageScores, who: str) -> Answers:
    wanted = {image.path for image, keep in zip(scores.images, mask, strict=True) if keep}
    return crossed.answers(who).part(np.array([one.path in wanted for one in crossed.images]))
