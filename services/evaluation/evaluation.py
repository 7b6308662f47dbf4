"""All views of a model on a directory side by side: the whole evaluation, as JSON values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from services.evaluation.cross_validation import Plan, cross_validate
from services.evaluation.figures import view_figures
from services.evaluation.scoring import STACK, ImageScores, score_images
from services.evaluation.views import FOLDS, FOLDS_MATCHED, SPLIT, fold_views, split_views
from services.evaluation.words import findings, pair_finding
from simulator.cases.checksums import Progress
from simulator.cases.datasets import LabelledImage
from twin.evaluation.resampling import LEVEL, RESAMPLES, Floats
from twin.model import Model


def evaluate_views(
    model: Model,
    root: Path,
    images: Sequence[LabelledImage],
    on_progress: Progress,
    *,
    threads: int = 2,
    folds: tuple[Path, Plan] | None = None,
    others: Mapping[str, Mapping[str, Floats]] | None = None,
    learned: Collection[str] = frozenset(),
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Score the test images, take all views that the directory gives, and say what they mean.

    Parameters:
        images: of all splits; those of split "train" are what the model learned from.
        folds: home and plan of the nested cross-validation; without, its views are left out.
        others: who else answered, such as a network: name -> split ("test", "all") -> p_malignant
            of those images in the order of `images`.
        learned: sha256 of more files that the model learned from, whatever their split is here.

    Raises:
        DataError: no test image could be scored.
    """
    trained = [image for image in images if image.split == "train" or image.sha256 in learned]
    held_out = [image for image in images if image.split == "test"]
    beside = others or {}
    tested = (
        score_images(model, root, held_out, on_progress, threads)
        if held_out
        else ImageScores((), {}, ())
    )
    if held_out:
        tested = _with_others(tested, held_out, beside, "test")
    views = split_views(tested.images, trained)
    figures = view_figures(tested, views, model.threshold, resamples=resamples)
    crossed, crossed_views = None, []
    if folds is not None:
        crossed = _with_others(cross_validate(*folds, on_progress), images, beside, "all")
        crossed_views = fold_views(crossed.images)
        figures |= view_figures(crossed, crossed_views, model.threshold, resamples=resamples)
    else:
        for key, title in (
            (FOLDS, "Cross-validation by lesion"),
            (FOLDS_MATCHED, "Cross-validation, one source"),
        ):
            figures[key] = {
                "title": title,
                "about": "",
                "why_not": "cross-validation was not asked for",
                "answers": {},
            }
    whole = next(view for view in views if view.key == SPLIT)
    return {
        "model_id": model.model_id,
        "threshold": model.threshold,
        "confidence": LEVEL,
        "resamples": resamples,
        "intervals": "percentiles over resamples of lesions",
        "unscorable": list(tested.unscorable),
        "views": figures,
        "findings": findings(
            tested, views, crossed, crossed_views, model.threshold, resamples=resamples
        ),
        "against": [
            pair_finding(tested, STACK, who, whole, model.threshold, resamples=resamples)
            for who in beside
            if whole.mask is not None and who in tested.p_malignant
        ],
    }


def _with_others(
    scores: ImageScores,
    asked: Sequence[LabelledImage],
    others: Mapping[str, Mapping[str, Floats]],
    split: str,
) -> ImageScores:
    """Add other answerers' probabilities for the images that the model could score."""
    place_of = {image.path: place for place, image in enumerate(asked)}
    places = [place_of[image.path] for image in scores.images]
    more = {who: given[split][places] for who, given in others.items() if split in given}
    return replace(scores, p_malignant={**scores.p_malignant, **more})
