"""Tables of a model card: figures out of fold, by view and by group."""

from collections.abc import Mapping
from typing import Any, Final

from services.evaluation.document import Grid
from services.evaluation.scoring import STACK
from twin.model import Model

Facts = Mapping[str, Any]
_NAMES: Final = {
    "accuracy": "accuracy",
    "auc": "AUC",
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "precision": "precision",
    "f1": "F1",
    "brier": "Brier",
    "calibration_error": "calibration error",
}
_BY_GROUP: Final = ("accuracy", "auc", "sensitivity", "specificity")


def quality_grid(title: str, fact: Facts) -> Grid:
    """Return out-of-fold figures as the artefact has them."""
    rows = [
        (_NAMES.get(name, name.replace("_", " ")), f"{value:.4f}")
        for name, value in fact["out_of_fold"].items()
    ]
    return Grid(title=title, head=["figure", "value"], rows=rows, numeric=1)


def learner_grid(model: Model) -> Grid:
    """Return the learners' out-of-fold figures, as the artefact has them."""
    learners = model.content["learners"]
    names = list(dict.fromkeys(name for one in learners.values() for name in one["out_of_fold"]))
    return Grid(
        title="The learners out of fold, on training images",
        head=["learner", *(_NAMES.get(name, name.replace("_", " ")) for name in names)],
        rows=[
            (learner, *(f"{one['out_of_fold'][name]:.4f}" for name in names))
            for learner, one in learners.items()
        ],
        numeric=len(names),
    )


def held_grid(evaluation: Facts) -> Grid:
    """Return what each view holds."""
    rows = []
    for view in evaluation["views"].values():
        answers = view["answers"].get(STACK)
        if answers is not None:
            counts = (answers["n"], answers["malignant"], answers["lesions"])
            rows.append((view["title"], view["about"], *counts))
    head = ["view", "what it holds", "images", "malignant", "lesions"]
    return Grid(title="Views of the images", head=head, rows=rows, numeric=3)


def view_grid(evaluation: Facts) -> Grid:
    """Return the stack's figures in each view."""
    rows = []
    for view in evaluation["views"].values():
        answers = view["answers"].get(STACK)
        if answers is not None:
            figures = answers["figures"]
            rows.append((view["title"], *(_cell(figures[name]) for name in _NAMES)))
    head = ["view", *_NAMES.values()]
    return Grid(title="The stack by view", head=head, rows=rows, numeric=len(_NAMES))


def confusion_grid(evaluation: Facts) -> Grid:
    """Return the stack's answers by class in each view."""
    rows = []
    for view in evaluation["views"].values():
        answers = view["answers"].get(STACK)
        if answers is not None:
            benign, malignant = (answers["confusion"][one] for one in ("benign", "malignant"))
            rows.append(
                (
                    view["title"],
                    benign["benign"],
                    benign["malignant"],
                    malignant["benign"],
                    malignant["malignant"],
                )
            )
    head = [
        "view",
        "benign called benign",
        "benign called malignant",
        "malignant called benign",
        "malignant called malignant",
    ]
    return Grid(title="Confusion by view, images", head=head, rows=rows, numeric=4)


def left_out(evaluation: Facts) -> list[str]:
    """Return the views that are left out, each with its reason."""
    return [
        f"Left out: {view['title'].lower()}: {view['why_not']}."
        for view in evaluation["views"].values()
        if view["why_not"]
    ]


def group_grids(groups: Facts) -> list[Grid]:
    """Return a table for each fact that is known of any image."""
    grids = []
    for fact, found in groups.items():
        rows = []
        for name, one in found.items():
            counts = (one["n"], one["malignant"], one["lesions"])
            if one["figures"] is None:
                cells = ["under ten cases", *["–"] * (len(_BY_GROUP) - 1)]
            else:
                cells = [_cell(one["figures"][figure]) for figure in _BY_GROUP]
            rows.append((name, *counts, *cells))
        if rows:
            head = [fact, "images", "malignant", "lesions", *(_NAMES[one] for one in _BY_GROUP)]
            grids.append(Grid(title=f"By {fact}", head=head, rows=rows, numeric=len(head) - 1))
    return grids


def _cell(figure: Facts) -> str:
    if figure["value"] is None:
        return "–"
    if figure["low"] is None:
        return f"{figure['value']:.3f} (no interval)"
    return f"{figure['value']:.3f} ({figure['low']:.3f} to {figure['high']:.3f})"
