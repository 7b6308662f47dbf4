"""What `dermtwin audit-data` found, as tables for the terminal and as a page."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group
from rich.table import Table

from services.audit.shortcuts import HELPS
from services.audit.verdicts import BAD, FINE
from services.console import two_columns
from simulator.report.markup import Html, details, join, mark, section, table, tag
from simulator.report.page import page

Result = Mapping[str, Any]
_SHOWN: Final = 20  # assumption: a screenful; page and JSON have all


def audit_table(result: Result) -> Group:
    """Return verdicts, shortcuts and dubious labels for the terminal."""
    said = Table("verdict", "on a score from this directory", show_lines=True)
    for line in result["verdicts"]:
        said.add_row(line["verdict"], line["words"])
    facts = Table("fact alone", "AUC", "95 % interval", "benign", "malignant")
    for one in [*result["shortcuts"]["files"], *result["shortcuts"]["cases"]]:
        by_class = one["by_class"]
        facts.add_row(
            one["name"],
            f"{one['auc']:.3f}",
            _interval(one),
            by_class.get("benign", ""),
            by_class.get("malignant", ""),
        )
    rows = {
        "directory": result["directory"],
        "images": f"{result['images']} ({result['malignant']} malignant) of "
        f"{result['lesions']} lesions",
        "classes": "; ".join(
            f"{split}: {counts['benign']} benign, {counts['malignant']} malignant"
            for split, counts in result["classes"].items()
        ),
        "time": f"{result['wall_s']:g} s",
    }
    parts: list[Any] = [said, facts]
    labels = result["labels"]
    if labels is not None and labels["doubts"]:
        doubtful = Table("label in doubt", "label", "p malignant, out of fold")
        for one in labels["doubts"][:_SHOWN]:
            doubtful.add_row(one["path"], one["label"], f"{one['p_malignant']:.4f}")
        parts.append(doubtful)
        if len(labels["doubts"]) > _SHOWN:
            rows["more labels in doubt"] = f"{len(labels['doubts']) - _SHOWN}; --out lists all"
    return Group(*parts, two_columns("", rows))


def audit_page(result: Result) -> str:
    """Return an HTML page that opens offline."""
    grave = [one for one in result["verdicts"] if one["verdict"] == BAD]
    top = join(
        [
            tag("h1", "Audit of a directory of images"),
            tag(
                "p",
                f"{result['directory']}: {result['images']} images of {result['lesions']} lesions, "
                f"{result['malignant']} images malignant.",
            ),
            tag(
                "div",
                tag("p", f"{len(grave)} things must not be believed of a score on these images.")
                if grave
                else tag("p", "Nothing was found that makes a score worthless; that is no proof."),
                class_="answer",
            ),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    parts = {
        "verdicts": ("Verdicts", _verdicts(result), ""),
        "shortcuts": (
            "Shortcuts",
            _shortcuts(result),
            f"AUC of each fact alone, out of fold by lesion; it helps if its interval lies above "
            f"{HELPS:g}. No pixel was looked at for the facts of files.",
        ),
        "classes": ("Classes", _classes(result), ""),
        "leaks": ("Leaks and duplicates", _leaks(result), ""),
        "labels": (
            "Labels in doubt",
            _labels(result),
            "Contradicted by a learner that met neither image nor lesion. A contradiction is no "
            "proof of an error.",
        ),
        "faults": ("Faults and notes", _faults(result), ""),
    }
    shown = {key: part for key, part in parts.items() if part[1]}
    body = join(
        section(title, content, key=key, note=note) for key, (title, content, note) in shown.items()
    )
    return page("Audit: dermtwin", top, [(key, part[0]) for key, part in shown.items()], body)


def _verdicts(result: Result) -> Html:
    kinds: dict[str, str | bool | None] = {BAD: "fail", FINE: "pass"}
    rows = [
        [mark(kinds.get(one["verdict"], "inconclusive"), one["verdict"]), one["words"]]
        for one in result["verdicts"]
    ]
    return table("What the audit says", ["verdict", "of a score on these images"], rows)


def _shortcuts(result: Result) -> Html:
    rows = [_fact(one) for one in [*result["shortcuts"]["files"], *result["shortcuts"]["cases"]]]
    inside = result["shortcuts"]["within_source"]
    within = (
        table(
            f"Facts of files within {inside['source']}: {inside['images']} images, "
            f"{inside['malignant']} malignant",
            ["fact alone", "benign", "malignant", "AUC", "95 %"],
            [_fact(one) for one in inside["files"]],
            numeric=2,
        )
        if inside
        else ""
    )
    constant = result["shortcuts"]["constant"]
    same = tag("p", f"The same for all images: {', '.join(constant)}.") if constant else ""
    head = ["fact alone", "benign", "malignant", "AUC", "95 %"]
    return join([table("Facts that are no lesion", head, rows, numeric=2), within, same])


def _fact(one: Result) -> list[object]:
    by_class = one["by_class"]
    said = [by_class.get(label, "–") for label in ("benign", "malignant")]
    return [one["name"], *said, f"{one['auc']:.3f}", _interval(one)]


def _classes(result: Result) -> Html:
    rows = [
        [
            split,
            counts["benign"],
            counts["malignant"],
            f"{counts['malignant'] / sum(counts.values()):.1%}",
        ]
        for split, counts in result["classes"].items()
    ]
    head = ["split", "benign", "malignant", "malignant share"]
    return table("Images by split and class", head, rows, numeric=3)


def _leaks(result: Result) -> Html:
    leaks, duplicates = result["leaks"], result["duplicates"]
    rows = [
        ["test images whose lesion is in training", len(leaks["leaked"])],
        ["their lesions", leaks["leaked_lesions"]],
        ["test images with an ISIC id of training", len(leaks["same_isic_id"])],
        ["test images with the content of a training image", len(leaks["same_content"])],
        ["test images that look like a training image", len(leaks["look_alike"])],
        ["sets of equal files", len(duplicates["exact"])],
        [f"pairs with correlation above {duplicates['above']:g}", len(duplicates["near"])],
    ]
    pairs = [
        [one["a"], one["b"], f"{one['correlation']:.4f}", "yes" if one["across_splits"] else "no"]
        for one in duplicates["near"]
    ]
    return join(
        [
            table("What is in two places", ["what", "count"], rows, numeric=1),
            details("Leaked test images", _listed(leaks["leaked"])),
            details("Equal files", _listed([", ".join(same) for same in duplicates["exact"]])),
            details(
                "Pairs that look alike",
                table("Pairs", ["a", "b", "correlation", "across splits"], pairs, numeric=2),
            ),
        ]
    )


def _labels(result: Result) -> Html:
    labels = result["labels"]
    if labels is None:
        return tag(
            "p", "Not looked for: the audit was quick, or there are too few lesions to learn from."
        )
    rows = [[one["path"], one["label"], f"{one['p_malignant']:.4f}"] for one in labels["doubts"]]
    whole = labels["cross_validated"]
    said = f"The learner itself: AUC {whole['auc']:.3f} ({_interval(whole)}) out of fold."
    head = ["image", "label", "p malignant"]
    return join([tag("p", said), table("Labels in doubt", head, rows, numeric=1)])


def _faults(result: Result) -> Html:
    return join(
        [
            details(f"{len(result['faults'])} faults", _listed(result["faults"])),
            details(f"{len(result['oddities'])} oddities", _listed(result["oddities"])),
            details(f"{len(result['notes'])} notes", _listed(result["notes"])),
            details(
                f"{len(result['against_diagnosis'])} labels against the diagnosis",
                _listed(result["against_diagnosis"]),
            ),
            details(
                f"{len(result['unknown_diagnosis'])} diagnoses that say neither",
                _listed(result["unknown_diagnosis"]),
            ),
        ]
    )


def _listed(lines: Sequence[str]) -> Html:
    return tag("ul", *(tag("li", line) for line in lines)) if lines else Html("")


def _interval(one: Result) -> str:
    return "–" if one["low"] is None else f"{one['low']:.3f} to {one['high']:.3f}"
