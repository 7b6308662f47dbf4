"""The results section as one page that opens offline; `numbers` holds the same as JSON values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from importlib.resources import files
from typing import Any, Final

from services.evaluation.scoring import STACK
from services.reproduce.baseline_maps import baseline_pictures
from services.reproduce.explanation_part import explanation_part
from services.reproduce.figures_mobilenet import (
    costs_figure,
    costs_table,
    curve_figure,
    layers_table,
    map_choice,
    separability_figure,
    separability_table,
)
from services.reproduce.figures_stack import (
    METRICS,
    confusion_table,
    figure_cell,
    figure_html,
    metric_cells,
    path_figure,
    reliability_choice,
    roc_choice,
)
from services.reproduce.job import BASELINE, Found
from services.reproduce.paper import CITATION, MOBILENET, OURS, TABLE_2
from simulator.report.figures import chosen, drawn
from simulator.report.markup import Html, details, join, section, table, tag
from simulator.report.page import page
from twin.mobilenet.costs import costs

NAMES: Final[Mapping[str, str]] = {
    STACK: "the stack",
    BASELINE: "MobileNetV2 used directly (ours)",
    "catboost": "CatBoost",
    "xgboost": "XGBoost",
    "svm": "SVM, RBF kernel",
    "random_forest": "random forest",
    "gradient_boosting": "gradient boosting",
    "knn": "k nearest neighbours",
}
_SPLIT: Final = "split"


def numbers(found: Found) -> dict[str, Any]:
    """Return everything the page shows, but for the points of its maps, as JSON values."""
    order = found.order
    result: dict[str, Any] = {
        "plan": asdict(order.plan),
        "seed": order.seed,
        "threads": order.threads,
        "dermtwin": version("dermtwin"),
        "degraded": found.degraded,
        "paper": {"citation": CITATION, "table_2": TABLE_2},
        "data": _counts(found),
        "model_id": found.model.model_id,
        "model": found.model.report(),
        "meta": found.model.content["meta"],
        "evaluation": dict(found.views),
        "early_layers": None if found.layers is None else found.layers.facts(),
        "baseline": None if found.tuned is None else found.tuned.facts(),
        "explanations": None if found.explanations is None else dict(found.explanations),
        "fidelity": None if found.fidelity is None else asdict(found.fidelity),
        "costs": asdict(costs()),
        "times": None if found.times is None else asdict(found.times),
        "spent_s": found.spent_s,
        "reused": found.reused,
    }
    return result


def result_page(found: Found) -> str:
    """Return the page."""
    parts = {
        "table2": ("The paper's Table 2, with our row", _table_2(found)),
        "views": ("The same model in five views", _views(found)),
        "data": ("Data", _data(found)),
        "layers": ("Early layers", _layers(found)),
        "baseline": ("MobileNetV2 used directly", _baseline(found)),
        "learners": ("Learners and stack", _learners(found)),
        "maps": ("Explanations", explanation_part(found)),
        "costs": ("Costs", _costs(found)),
        "again": ("Make it again", _again(found)),
    }
    sections = {key: section(title, *content, key=key) for key, (title, content) in parts.items()}
    contents = [(key, parts[key][0]) for key, html in sections.items() if html]
    style = files("services.explaining").joinpath("explain.css").read_text(encoding="utf-8")
    body = join(sections.values())
    return page("Reproduction: dermtwin", _top(found), contents, body, style=style)


def _top(found: Found) -> Html:
    answers = found.views["views"][_SPLIT]["answers"]
    said = []
    if STACK in answers:
        ours = answers[STACK]["figures"]
        said.append(
            f"On the paper's split the stack reaches accuracy {figure_cell(ours['accuracy'])} and "
            f"AUC {figure_cell(ours['auc'])}; the paper reports accuracy "
            f"{TABLE_2[OURS]['accuracy']:.4f}, without an interval."
        )
    if BASELINE in answers:
        theirs = answers[BASELINE]["figures"]
        said.append(
            f"MobileNetV2 used directly reaches {figure_cell(theirs['accuracy'])} here "
            f"(AUC {figure_cell(theirs['auc'])}) and {TABLE_2[MOBILENET]['accuracy']:.2f} in the "
            "paper."
        )
    warnings = tag("ul", *(tag("li", one) for one in found.degraded))
    return join(
        [
            tag("h1", "The paper's results, reproduced"),
            tag("p", CITATION, class_="question"),
            tag("div", *(tag("p", one) for one in said), class_="answer") if said else "",
            tag("div", tag("p", "Less than it should be:"), warnings, class_="warn")
            if found.degraded
            else "",
            tag(
                "p",
                "Every choice was made inside the training images. Intervals are 95 %, from "
                f"{found.views['resamples']} resamples of lesions. Research software. Not a "
                "medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )


def _table_2(found: Found) -> list[Html]:
    columns = ("accuracy", "precision", "sensitivity", "specificity", "f1")
    rows: list[list[object]] = [
        [name, *("–" if row[key] is None else f"{row[key]:.4f}" for key in columns)]
        for name, row in TABLE_2.items()
    ]
    answers = found.views["views"][_SPLIT]["answers"]
    for who in (BASELINE, STACK):
        if who in answers:
            name = "the stack, this run" if who == STACK else NAMES[who]
            figures = answers[who]["figures"]
            rows.append([name, *(figure_html(figures[key]) for key in columns)])
    head = ["method", "accuracy", "precision", "sensitivity = recall", "specificity", "F1"]
    against = [tag("p", one["words"]) for one in found.views["against"]]
    note = tag(
        "p",
        "The paper states no intervals and compares more methods; only rows that could be read "
        "are given.",
        class_="note",
    )
    return [table("Test split", head, rows, numeric=5), note, *against]


def _views(found: Found) -> list[Html]:
    rows: list[list[object]] = []
    left_out = []
    for view in found.views["views"].values():
        if view["why_not"]:
            left_out.append(f"{view['title']}: left out, {view['why_not']}.")
            continue
        one = view["answers"][STACK]
        rows.append([view["title"], f"{one['n']} ({one['malignant']})", *metric_cells(one)])
    head = ["view", "images (malignant)", *METRICS.values()]
    listed = [
        tag("li", tag("strong", f"{view['title']}: "), view["about"])
        for view in found.views["views"].values()
        if not view["why_not"]
    ]
    meaning = [tag("li", one["words"]) for one in found.views["findings"]]
    return [
        table("The stack by view, with 95 % intervals", head, rows, numeric=len(METRICS) + 1),
        tag("ul", *listed),
        join(tag("p", one) for one in left_out),
        tag("h3", "What the differences mean") if meaning else Html(""),
        tag("ul", *meaning) if meaning else Html(""),
    ]


def _data(found: Found) -> list[Html]:
    counts = _counts(found)
    rows: list[list[object]] = [
        [split, one["images"], one["benign"], one["malignant"], one["lesions"]]
        for split, one in counts["splits"].items()
    ]
    head = ["split", "images", "benign", "malignant", "lesions"]
    return [
        table("Images by split and class", head, rows, numeric=4),
        tag("p", "Data digest ", tag("code", counts["sha256"]), class_="note digest"),
    ]


def _layers(found: Found) -> list[Html]:
    if found.layers is None:
        return []
    note = (
        "The paper picks a layer by looking at t-SNE maps. Here a linear classifier on held-out "
        "lesions picks it; maps are for looking."
    )
    return [
        tag("p", note),
        chosen(map_choice(found.layers, found.labels())),
        drawn(separability_figure(found.layers)),
        separability_table(found.layers),
    ]


def _baseline(found: Found) -> list[Html]:
    if found.tuned is None:
        return []
    settings = found.tuned.settings
    note = (
        f"Blocks from {settings.first_trained} on and a logistic head are trained from ImageNet "
        f"weights; the epoch ({found.tuned.best_epoch}) was chosen on lesions held out inside the "
        "training part. At test, log-odds are averaged over eight turned and mirrored views."
    )
    maps = "Grad-CAM at the last convolution (equations 27 and 28), of the class that is called:"
    pictures = [tag("p", maps), baseline_pictures(found.baseline_maps)]
    return [
        tag("p", note),
        drawn(curve_figure(found.tuned)),
        *(pictures if found.baseline_maps else []),
    ]


def _learners(found: Found) -> list[Html]:
    answers: Mapping[str, Mapping[str, Any]] = found.views["views"][_SPLIT]["answers"]
    if not answers:
        return [drawn(path_figure(found.model.content["meta"]))]
    rows = [[NAMES.get(who, who), *metric_cells(one)] for who, one in answers.items()]
    weights = found.model.content["meta"]["weights"]
    names = dict(NAMES)
    weighed = [[NAMES.get(name, name), f"{weight:.4f}"] for name, weight in weights.items()]
    return [
        table(
            "Test split, with 95 % intervals",
            ["who answers", *METRICS.values()],
            rows,
            numeric=len(METRICS),
        ),
        chosen(roc_choice(answers, names)),
        confusion_table(answers, names),
        chosen(reliability_choice(answers, names)),
        drawn(path_figure(found.model.content["meta"])),
        table("Weights of the L1 meta-learner", ["learner", "weight"], weighed, numeric=1),
    ]


def _costs(found: Found) -> list[Html]:
    if found.times is None:
        return []
    counted = costs()
    return [
        drawn(costs_figure(counted, found.times)),
        costs_table(counted, found.times),
        details("Layer by layer", layers_table(counted, found.times)),
    ]


def _again(found: Found) -> list[Html]:
    facts: Sequence[Sequence[object]] = [
        ["model", found.model.model_id],
        ["plan", found.order.plan.name],
        ["seed", found.order.seed],
        ["threads", found.order.threads],
        ["dermtwin", version("dermtwin")],
        [
            "MobileNetV2 weights",
            "none"
            if found.order.weights is None
            else f"{found.order.weights.source}, sha256 {found.order.weights.digest}",
        ],
    ]
    spent = [[part, f"{seconds:g}"] for part, seconds in found.spent_s.items()]
    return [
        table("What this rests on", ["fact", "value"], facts),
        table(
            "Time of this sitting, s; steps done before take none", ["part", "s"], spent, numeric=1
        ),
    ]


def _counts(found: Found) -> dict[str, Any]:
    from simulator.cases.datasets import data_digest

    splits = {}
    for split in dict.fromkeys(image.split or "none" for image in found.images):
        some = [image for image in found.images if (image.split or "none") == split]
        splits[split] = {
            "images": len(some),
            "benign": sum(not image.malignant for image in some),
            "malignant": sum(image.malignant for image in some),
            "lesions": len({image.group for image in some}),
        }
    return {"sha256": data_digest(found.images), "splits": splits}
