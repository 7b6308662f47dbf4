"""The card of a model, written from its artefact and, with images, from what they show.

The sections are those of Mitchell et al. 2019, Model cards for model reporting,
doi:10.1145/3287560.3287596. Nothing that the artefact knows is written here by hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from services.card_figures import (
    confusion_grid,
    group_grids,
    held_grid,
    learner_grid,
    left_out,
    quality_grid,
    view_grid,
)
from services.card_sources import by_split, known_facts, licence_rows
from services.evaluation.document import Block, Bullets, Chapter, Command, Document, Grid
from simulator.cases.datasets import LabelledImage
from twin.features import FEATURES
from twin.learners.registry import LEARNERS
from twin.learners.sight import columns_of
from twin.model import Model

# Parts of the manifest that have their own place on the card; all others are listed as they are.
_PLACED: Final = frozenset(
    {"data", "features", "files", "format", "learners", "meta"}
    | {"seed", "settings", "stem", "threshold", "versions"}
)
_META_PLACED: Final = frozenset({"intercept", "out_of_fold", "penalty", "weights"})
_NOT_A_DEVICE: Final = (
    "Research software. Not a medical device: no diagnosis, referral or treatment may rest on it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What is known of a model beside its artefact; whatever is missing, the card says so."""

    lesson: Mapping[str, Any] | None = None  # what it learned from, as the store kept it
    images: Sequence[LabelledImage] = ()  # of the data directory
    licences: Sequence[tuple[str, int]] = ()  # as the data directory states them, with a count
    evaluation: Mapping[str, Any] | None = None  # of `evaluate_views`
    groups: Mapping[str, Any] | None = None  # of `group_figures`, on the test images
    audit: Sequence[Mapping[str, str]] = ()  # verdicts of the audit of the data directory


def model_card(model: Model, facts: CardFacts) -> Document:
    """Return the card of a model."""
    data = model.content["data"]
    return Document(
        title=f"Model card: dermtwin {model.model_id}",
        summary=(
            f"A stack of {len(model.learners)} learners under an L1-penalised logistic regression "
            f"that gives the probability that a dermoscopic image shows a malignant lesion; "
            f"learned from {data['images']} images of {data['lesions']} lesions. {_NOT_A_DEVICE}"
        ),
        chapters=[
            Chapter(title="Model Details", blocks=_details(model, facts)),
            Chapter(title="Intended Use", blocks=_use()),
            Chapter(title="Factors", blocks=_factors(facts)),
            Chapter(title="Metrics", blocks=_metrics(model, facts)),
            Chapter(title="Evaluation Data", blocks=_evaluation_data(facts)),
            Chapter(title="Training Data", blocks=_training_data(model, facts)),
            Chapter(title="Quantitative Analyses", blocks=_analyses(model, facts)),
            Chapter(title="Ethical Considerations", blocks=_ethics()),
            Chapter(title="Caveats and Recommendations", blocks=_caveats(model, facts)),
        ],
    )


def _columns(model: Model, learner: str) -> str:
    """Return in words what a learner sees: all features, some, or a codebook's code after them."""
    columns = columns_of(model.files[LEARNERS[learner].file])
    if columns is None:
        return "all features"
    first, last = columns
    return f"{first} to {last - 1}" + (": the code of local textures" if first else ": features")


def _details(model: Model, facts: CardFacts) -> list[Block]:
    content = model.content
    features = FEATURES.get(content["features"])
    about = f" ({features.about})" if features is not None else ""
    weights = content["meta"]["weights"]
    zero = sum(weight == 0 for weight in weights.values())
    rows: list[tuple[str, object]] = [
        ("model id", model.model_id),
        ("artefact format", content["format"]),
        ("stem", content["stem"]),
        ("features", f"{content['features']}{about}"),
        ("settings", content["settings"]),
        ("seed", content["seed"]),
        ("threshold on p malignant", content["threshold"]),
        ("meta-learner's penalty", content["meta"]["penalty"]),
        ("dermtwin that wrote this card", version("dermtwin")),
    ]
    rows += [(f"fitted with {name}", number) for name, number in content["versions"].items()]
    rows += _rest(content, _PLACED)
    rows += [(f"meta: {name}", value) for name, value in _rest(content["meta"], _META_PLACED)]
    return [
        Grid(title="The model", head=["what", "value"], rows=rows),
        Grid(
            title="Weights of the meta-learner, per nat of a learner's log-odds",
            head=["term", "weight"],
            rows=[
                ("intercept", f"{content['meta']['intercept']:+.4f}"),
                *((name, f"{weight:+.4f}") for name, weight in weights.items()),
            ],
            numeric=1,
        ),
        f"{zero} of {len(weights)} learners have weight 0: the L1 penalty dropped them from the "
        "full stack; stacks for missing learners may use them.",
        Grid(
            title="Settings of the learners",
            head=["learner", "columns that it sees", "settings"],
            rows=[
                (
                    name,
                    _columns(model, name),
                    ", ".join(f"{key} {value}" for key, value in fact["settings"].items()),
                )
                for name, fact in content["learners"].items()
            ],
        ),
        Grid(
            title="Files of the artefact",
            head=["file", "sha256"],
            rows=list(content["files"].items()),
        ),
        "How to make it again:",
        Command(_command(model, facts)),
        "The same images, settings and versions give the same model id.",
    ]


def _rest(facts: Mapping[str, Any], placed: frozenset[str]) -> list[tuple[str, object]]:
    """Return the facts that have no place of their own, whatever they are, one a row."""
    rows: list[tuple[str, object]] = []
    for name, value in sorted(facts.items()):
        if name in placed:
            continue
        if isinstance(value, Mapping):
            rows += [(f"{name}: {key}", inner) for key, inner in _rest(value, frozenset())]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            rows.append((name.replace("_", " "), f"{len(value)} entries, in manifest.json"))
        else:
            rows.append((name.replace("_", " "), value))
    return rows


def _command(model: Model, facts: CardFacts) -> str:
    lesson = facts.lesson
    if lesson is None:
        return (
            f"dermtwin train --data DIR --seed {model.content['seed']}"
            + (" --quick" if model.content["settings"] == "quick" else "")
            + f"  # stem: {model.content['stem']}"
        )
    if lesson["kind"] == "synthetic":
        return f"# learned from {lesson['cases']} rendered lesions, seed {lesson['seed']}"
    quick = " --quick" if lesson["quick"] else ""
    return f"dermtwin train --data DIR --stem {lesson['stem']} --seed {lesson['seed']}{quick}"


def _use() -> list[Block]:
    return [
        Bullets(
            [
                "Primary use: the model of record in simulated clinics, to study how such a model, "
                "its drift and its feedback act on patients and staff.",
                "Users: researchers and engineers.",
                f"Out of scope: {_NOT_A_DEVICE}",
                "Out of scope: images that are not dermoscopic, and lesions of kinds, sites, ages "
                "or skin tones that are not among the training images.",
            ]
        )
    ]


def _factors(facts: CardFacts) -> list[Block]:
    if not facts.images:
        return [
            "No images were given with --data, so it is not known which groups are among them. "
            "Sex, age, site, diagnosis, source and skin tone would be looked at."
        ]
    known: list[tuple[str, object]] = []
    missing = []
    for fact, count in known_facts(facts.images).items():
        if count:
            known.append((fact, f"{count} of {len(facts.images)}"))
        else:
            missing.append(fact)
    blocks: list[Block] = [
        Grid(title="Facts that are known", head=["fact", "images"], rows=known, numeric=1)
    ]
    if missing:
        blocks.append(
            f"Not known of any image: {', '.join(missing)}. How the model does by "
            "these cannot be measured here."
        )
    return blocks


def _metrics(model: Model, facts: CardFacts) -> list[Block]:
    text = (
        "AUC; and at the threshold "
        f"{model.threshold:g}: accuracy, precision, sensitivity (recall), specificity, F1. Brier "
        "score and expected calibration error over ten bins of equal width."
    )
    if facts.evaluation is None:
        return [text, "Figures are out of fold, without intervals: give --data for these."]
    return [
        text,
        f"Intervals are {facts.evaluation['confidence']:.0%}: "
        f"{facts.evaluation['intervals']}, {facts.evaluation['resamples']} of them, with all "
        "images of a lesion together. The calibration error's are moved by its bias.",
    ]


def _evaluation_data(facts: CardFacts) -> list[Block]:
    if facts.evaluation is None:
        return ["None was given with --data."]
    return [
        held_grid(facts.evaluation),
        Bullets(left_out(facts.evaluation) or ["No view is left out."]),
    ]


def _training_data(model: Model, facts: CardFacts) -> list[Block]:
    data = model.content["data"]
    rows = [(name.replace("_", " "), value) for name, value in data.items()]
    blocks: list[Block] = [Grid(title="Training images", head=["what", "value"], rows=rows)]
    if facts.lesson is None:
        blocks.append("Which files these were was not kept in this DERMTWIN_HOME.")
    elif facts.lesson["kind"] == "synthetic":
        blocks.append("They are rendered lesions, drawn from a population; no patient is shown.")
    if facts.images:
        counts = by_split(facts.images)
        blocks += [
            Grid(
                title="Images of the data directory by split and class",
                head=["split", "benign", "malignant", "lesions"],
                rows=[(split, *row) for split, row in counts.items()],
                numeric=3,
            ),
            Grid(
                title="Sources and licences",
                head=["source", "images", "licence"],
                rows=licence_rows(facts.images),
            ),
        ]
        if facts.licences:
            blocks.append(
                Grid(
                    title="Licences that the directory states",
                    head=["licence", "images"],
                    rows=facts.licences,
                )
            )
    return blocks


def _analyses(model: Model, facts: CardFacts) -> list[Block]:
    blocks: list[Block] = [
        quality_grid("The stack out of fold, on training images", model.content["meta"]),
        learner_grid(model),
    ]
    if facts.evaluation is None:
        return [*blocks, "Unitary results by group need --data."]
    blocks += [view_grid(facts.evaluation), confusion_grid(facts.evaluation)]
    blocks.append(Bullets([one["words"] for one in facts.evaluation["findings"]]))
    if facts.groups is not None:
        blocks.append(
            "Unitary results, on the test images as split. A dash stands for a figure that rests "
            "on fewer than ten images of a class, such as the sensitivity of a benign diagnosis."
        )
        blocks += group_grids(facts.groups)
    blocks.append("Intersectional results: none; most intersections hold too few lesions.")
    return blocks


def _ethics() -> list[Block]:
    return [
        Bullets(
            [
                "Images are of people's skin. Only public, de-identified collections should be "
                "used, within their licences.",
                "A missed melanoma harms more than a needless biopsy; the threshold weighs them "
                "alike and is no clinical choice.",
                "Groups that are few or unknown among the images may be served worse without "
                "anybody noticing; see Factors.",
            ]
        )
    ]


def _caveats(model: Model, facts: CardFacts) -> list[Block]:
    data = model.content["data"]
    lines = [
        f"{data['malignant'] / data['images']:.0%} of the training images are malignant; in most "
        "clinics far fewer are, so precision and calibration will be others there.",
        "Out-of-fold figures chose the penalty, and so flatter the model a little.",
    ]
    if not facts.audit:
        lines.append(
            "The data was not audited for this card: `dermtwin audit-data` tells whether source, "
            "files or cases are confounded with the label."
        )
    return [Bullets([*(f"{one['verdict']}: {one['words']}" for one in facts.audit), *lines])]
