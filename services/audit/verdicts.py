"""What must not be believed of a score on a directory, in words."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.audit.looks import OF_CONTENT
from services.audit.shortcuts import HELPS, STRONG
from services.ground import FEW

Result = Mapping[str, Any]
BAD: Final = "do not believe"
CAREFUL: Final = "be careful"
FINE: Final = "no sign"
UNKNOWN: Final = "not known"
_SKEWED: Final = 0.2  # share of the rarer class; assumption: accuracy then flatters
_MANY: Final = 0.01  # share of labels in doubt; assumption: one in a hundred moves a score


def verdicts(result: Result) -> list[dict[str, str]]:
    """Return lines with a word for how grave and what it means."""
    lines: list[tuple[str, str]] = []
    for judge in (_size, _leaks, _files, _source, _cases, _balance, _labels, _faults):
        lines += judge(result)
    return [{"verdict": verdict, "words": words} for verdict, words in lines]


def _size(result: Result) -> list[tuple[str, str]]:
    ill = result["malignant"]
    well = result["images"] - ill
    if min(ill, well) >= FEW:
        return []
    return [
        (
            CAREFUL,
            f"Any figure of {well} benign and {ill} malignant images: it is rough, and where this "
            "audit says that there is no sign, it may have missed it.",
        )
    ]


def _leaks(result: Result) -> list[tuple[str, str]]:
    leaks = result["leaks"]
    exact, near = result["duplicates"]["exact"], result["duplicates"]["near"]
    across = sum(pair["across_labels"] for pair in near)
    lines = []
    if not leaks["test_images"]:
        lines.append(
            (
                UNKNOWN,
                "There is no test split to use: a score needs cross-validation by lesion.",
            )
        )
    elif leaks["leaked"]:
        share = len(leaks["leaked"]) / leaks["test_images"]
        lines.append(
            (
                BAD,
                f"A score on the test split as a score on new lesions: {len(leaks['leaked'])} of "
                f"{leaks['test_images']} test images ({share:.1%}) show a lesion of the training "
                "split or look like one of its images. Quote the part without them.",
            )
        )
    elif leaks["lesions_known"]:
        lines.append(
            (FINE, "No test image shares lesion, id, content or looks with a training image.")
        )
    if not leaks["lesions_known"]:
        lines.append(
            (
                UNKNOWN,
                "No lesion ids are stated and no two images look alike: two pictures of one lesion "
                "from different angles would not be noticed.",
            )
        )
    if exact or near:
        lines.append(
            (
                CAREFUL,
                f"{len(exact)} sets of equal files and {len(near)} pairs that look alike: cross-"
                "validate by lesion, never by image."
                + (f" {across} pairs have two labels: one of the two is wrong." if across else ""),
            )
        )
    return lines


def _files(result: Result) -> list[tuple[str, str]]:
    shortcuts = result["shortcuts"]
    found, inside = _coding(shortcuts["files"]), shortcuts["within_source"]
    lines = []
    if not found:
        lines.append(
            (FINE, f"No way of coding the files has an AUC that is surely above {HELPS:g}.")
        )
    else:
        best = found[0]
        names = ", ".join(f"{one['name']} {_auc(one)}" for one in found[1:4])
        words = (
            "A score as proof that lesions were looked at: how the files are coded, without any "
            f"pixel, tells the classes apart: {best['name']} with AUC {_auc(best)}"
            + (f"; alone: {names}" if names else "")
            + ". A network can see traces of coding."
        )
        if inside:
            within = _coding(inside["files"])
            words += f" Within {inside['source']} alone " + (
                f"it still does, with AUC {_auc(within[0])}."
                if within
                else "this is not found, so quote that score, too."
            )
        lines.append((BAD if best["auc"] >= STRONG else CAREFUL, words))
    size = next((one for one in shortcuts["files"] if one["name"] in OF_CONTENT), None)
    if size is not None and _helps(size):
        of_source = inside["files"] if inside else []
        again = next((one for one in of_source if one["name"] == size["name"]), None)
        within_source = f" (within {inside['source']} {_auc(again)})" if again else ""
        lines.append(
            (
                CAREFUL,
                f"{size['name'].capitalize()} alone has AUC {_auc(size)}{within_source}: by "
                "coding, by what the pictures show, or both; the files do not tell which.",
            )
        )
    return lines


def _coding(found: Sequence[Result]) -> list[Result]:
    return [one for one in found if one["name"] not in OF_CONTENT and _helps(one)]


def _source(result: Result) -> list[tuple[str, str]]:
    source = next((one for one in result["shortcuts"]["cases"] if one["name"] == "source"), None)
    if source is None:
        return [(UNKNOWN, "Sources are not stated, or there is one: confounding cannot be judged.")]
    if not _helps(source):
        return [(FINE, f"Source alone has AUC {_auc(source)}.")]
    return [
        (
            BAD if source["auc"] >= STRONG else CAREFUL,
            f"A score over all sources as a score for lesions: source alone has AUC "
            f"{_auc(source)}. Quote the score within one source as well.",
        )
    ]


def _cases(result: Result) -> list[tuple[str, str]]:
    found = [one for one in result["shortcuts"]["cases"] if one["name"] != "source" and _helps(one)]
    if not found:
        return []
    names = ", ".join(f"{one['name']} {_auc(one)}" for one in found)
    return [
        (
            CAREFUL,
            f"A score as one for patients who are alike: cases differ by class in {names}. Skin, "
            "and hence images, differ with them.",
        )
    ]


def _balance(result: Result) -> list[tuple[str, str]]:
    lines = []
    shares = {
        split: counts["malignant"] / sum(counts.values())
        for split, counts in result["classes"].items()
    }
    for split, share in shares.items():
        if min(share, 1 - share) < _SKEWED:
            lines.append(
                (
                    CAREFUL,
                    f"Accuracy in {split}: {share:.0%} are malignant, so always giving one answer "
                    f"is right in {max(share, 1 - share):.0%}.",
                )
            )
    if not lines:
        said = ", ".join(f"{split} {share:.0%}" for split, share in shares.items())
        lines.append(
            (
                CAREFUL,
                f"Precision and calibration in a clinic: {said} of the images are malignant, in "
                "most clinics far fewer.",
            )
        )
    return lines


def _labels(result: Result) -> list[tuple[str, str]]:
    contradicted = list(result["against_diagnosis"])
    lines = []
    if contradicted:
        shown = ", ".join(contradicted[:5])
        lines.append(
            (
                CAREFUL,
                f"Labels: {len(contradicted)} contradict the diagnosis of their own row: {shown}.",
            )
        )
    unknown = result["unknown_diagnosis"]
    if unknown:
        lines.append(
            (
                CAREFUL,
                f"Labels: {len(unknown)} have a diagnosis that says neither benign nor malignant: "
                f"{', '.join(unknown[:5])}.",
            )
        )
    labels = result["labels"]
    if labels is None:
        lines.append((UNKNOWN, "Dubious labels were not looked for: --quick, or too few lesions."))
        return lines
    count = len(labels["doubts"])
    if count:
        share = count / result["images"]
        lines.append(
            (
                CAREFUL if share < _MANY else BAD,
                f"The last {share:.1%} of accuracy: {count} labels have a probability below "
                f"{labels['below']:.0%} by a learner that met neither image nor lesion. Each is an "
                "odd lesion, an error of the learner, or a wrong label; look at them.",
            )
        )
    else:
        lines.append((FINE, "No label is contradicted strongly by a cheap learner."))
    return lines


def _faults(result: Result) -> list[tuple[str, str]]:
    count, odd = len(result["faults"]), len(result["oddities"])
    if not count and not odd:
        return [(FINE, "All images can be read, and none is blank, black or without colour.")]
    return [(CAREFUL, f"Cannot be used: {count} images or rows. Look odd: {odd}. See the list.")]


def _helps(one: Result) -> bool:
    return one["low"] is not None and one["low"] > HELPS


def _auc(one: Result) -> str:
    if one["low"] is None:
        return f"{one['auc']:.2f}"
    return f"{one['auc']:.2f} [{one['low']:.2f}, {one['high']:.2f}]"
