"""What the labels say beside the truth, and which messages were kept apart."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from simulator.language.calendar import DAY_MIN
from simulator.report.sheets import NAMES, Sheet, figure_of, moved_by
from simulator.report.units import number
from simulator.report.wording import per_cent

Point = Mapping[str, Any]

LABELS_TOLD: Final = (
    "Unweighted: each label counts once, as if the labelled were a sample of all. Weighted: each "
    "counts as the inverse of the probability that the pathway verifies such a patient "
    "(Horvitz and Thompson). That mends who is verified, not what labels say: labels that are "
    "wrong stay wrong, as the last row of each figure shows. Differences from the truth have "
    "intervals over replications."
)
_READINGS: Final = {
    "unweighted": "labels, unweighted",
    "weighted": "labels, weighted",
    "true_weighted": "truth about the labelled, weighted",
}


def labels_told(point: Point) -> Iterator[str]:
    """Yield how many labels there are, whether they mislead, and whether weighting mends it."""
    found = (point.get("loop") or {}).get("labels")
    if not found:
        return
    why = ", ".join(f"{reason} {count:,}" for reason, count in found["apart"].items())
    apart = f"{sum(found['apart'].values()):,} do not count" + (f" ({why})" if why else "")
    yield (
        f"{found['received']:,} messages came back; {apart}. "
        f"{found['labelled']:,} of {found['patients']:,} patients with a verdict who came before "
        f"day {number(found['until_min'] / DAY_MIN)} have a label."
    )
    if not found["ripe"]:
        yield (
            "The slowest label took as long as the run, so labels of the latest patients, still on "
            "their way, are missing from these figures."
        )
    for name in ("sensitivity", "prevalence"):
        one = found["figures"][name]
        plain, weighted = one["unweighted.off"], one["weighted.off"]
        if plain["biased"] is None or weighted["biased"] is None:
            continue
        true = one["truth"]["value"]
        yield (
            f"The labels are off the true {NAMES[name]} by {moved_by(name, true, plain)}, "
            f"{_sure(plain)}, unweighted; weighted, by {moved_by(name, true, weighted)}, "
            f"{_sure(weighted)}."
        )


def _sure(off: Mapping[str, Any]) -> str:
    return "beyond chance" if off["biased"] else "within chance"


def label_sheets(point: Point) -> list[Sheet]:
    """Return the table of readings, labels by way, and messages kept apart."""
    found = (point.get("loop") or {}).get("labels")
    if not found:
        return []
    sheets = [bias_sheet(point)]
    rows = [
        [
            way.replace("_", " "),
            f"{one['malignant']:,} / {one['labels']:,}",
            f"{one['wrong']:,}",
            *(figure_of(name, one[name]) for name in ("prevalence", "sensitivity", "specificity")),
        ]
        for way, one in found["ways"].items()
    ]
    head = ["how it was found out", "malignant / labels", "wrong", "prevalence", "AI sensitivity"]
    caption = "Labels by way, unweighted"
    sheets.append(Sheet(caption=caption, head=[*head, "AI specificity"], rows=rows, numeric=5))
    apart = [[reason, f"{times:,}"] for reason, times in found["apart"].items()]
    caption = "Messages that do not count, by reason"
    sheets.append(Sheet(caption=caption, head=["reason", "messages"], rows=apart, numeric=1))
    return sheets


def bias_sheet(point: Point) -> Sheet:
    """Return each figure by the truth and by each reading of the labels."""
    found = point["loop"]["labels"]
    rows = []
    for name, one in found["figures"].items():
        true = one["truth"]["value"]
        rows.append([NAMES[name], "truth about all", "", figure_of(name, one["truth"]), ""])
        for key, said in _READINGS.items():
            off = one[f"{key}.off"]
            sure = {True: "off beyond chance", False: "within chance"}.get(off["biased"], "")
            shown = moved_by(name, true, off)
            rows.append([NAMES[name], said, sure, figure_of(name, one[key]), shown])
    level = per_cent(point["confidence"])
    head = ["figure", "by", "verdict", f"value ({level} interval)", "less the truth"]
    return Sheet(caption="What the labels say", head=head, rows=rows, numeric=2)
