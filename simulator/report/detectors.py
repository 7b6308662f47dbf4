"""Scored drift detectors for people: delays by kind and severity, false alarms beside them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from simulator.analysis.detection import ANY, FAMILIES
from simulator.experiment.detector_table import PREVALENCE
from simulator.language.calendar import DAY_MIN
from simulator.report.detectors_estimates import estimate_sheet
from simulator.report.figures import Choice, Figure, axis, chosen, rounded, series, whiskers
from simulator.report.markup import details, join, section, tag
from simulator.report.page import page
from simulator.report.sheets import Sheet
from simulator.report.units import number

Result = Mapping[str, Any]

DETECTORS_TOLD: Final = (
    "A false alarm is a report with an alarm while nothing shifts, for each 30 days, with the "
    "exact interval of a Poisson rate. “By chance” is how many runs without any shift alarm in the "
    "days that count for a detection. A delay runs from the onset to the first alarm: the median "
    "over all replications (those without an alarm are later than any), quartiles, and how many "
    "replications alarm at all. The report that tells an alarm comes up to one epoch later."
)


def detector_sheets(result: Result, family: str = ANY, *, brief: bool = False) -> list[Sheet]:
    """Return false alarms, delays by kind and severity, those of prevalence, and estimates.

    Parameters:
        family: of streams, of which delays are shown; `each` for all of them.
        brief: for the terminal: medians alone, and how many alarm where not all do.
    """
    families = (ANY, *FAMILIES) if family == "each" else (family,)
    levels = sorted({row["level"] for row in result["rows"] if row["shift"] != PREVALENCE})
    shares = sorted({row["level"] for row in result["rows"] if row["shift"] == PREVALENCE})
    kinds = dict.fromkeys(row["shift"] for row in result["rows"] if row["shift"] != PREVALENCE)
    images = [row for kind in kinds for row in _delays(result, kind, levels, families, brief)]
    people = list(_delays(result, PREVALENCE, shares, families, brief)) if shares else []
    days = number((result["horizon_min"] - result["onset_min"]) / DAY_MIN)
    span = f"median delay (quartiles) in days, and replications that alarm within {days} days"
    if brief:
        span = f"median delay in days; of how many replications, if not all alarm in {days} days"
    head = ["shift", "detector", "streams", "false alarms a month", "by chance"]
    return [
        _without(result),
        Sheet(
            caption=f"Image shifts by severity: {span}",
            head=[*head, *(f"severity {level:.0f}" for level in levels)],
            rows=images,
            numeric=2 + len(levels),
        ),
        Sheet(
            caption=f"Shifts of prevalence, from {100 * result['prevalence']:.0f} %: {span}",
            head=[*head, *(f"to {100 * share:.0f} %" for share in shares)],
            rows=people,
            numeric=2 + len(shares),
        ),
        estimate_sheet(result),
    ]


def detector_facts(result: Result) -> dict[str, str]:
    """Return what the tables rest on, by name."""
    bank = result["bank"]
    return {
        "model": str(result["model_id"]),
        "patients": f"{number(result['cases_per_day'])} a day, drawn from a bank of "
        f"{bank['images']} images, {bank['malignant']} malignant",
        "onset": f"day {number(result['onset_min'] / DAY_MIN)} of "
        f"{number(result['horizon_min'] / DAY_MIN)}",
        "replications": f"{result['replications']} of each trial, on common random numbers",
    }


def detectors_page(result: Result) -> str:
    """Return an HTML page that opens offline: delay by severity, false alarms, and all tables."""
    top = join(
        [
            tag("h1", "Drift detectors, scored"),
            tag("p", f"Scenario {result['scenario']}. ", *_facts(result)),
            tag(
                "p",
                "Research software. Not a medical device; no diagnosis may rest on it.",
                class_="note",
            ),
        ]
    )
    without, *delays, estimates = detector_sheets(result)
    parts = {
        "delay": ("Delay by severity", chosen(_choice(result))),
        "table": ("Table", join(sheet.html() for sheet in delays)),
        "false": ("False alarms", without.html()),
        "estimates": ("Estimates without labels", estimates.html()),
        "families": (
            "By family of streams",
            join(
                details(family, *(sheet.html() for sheet in detector_sheets(result, family)[1:3]))
                for family in FAMILIES
            ),
        ),
    }
    shown = {key: part for key, part in parts.items() if part[1]}
    body = join(
        section(title, content, key=key, note=DETECTORS_TOLD if key == "table" else "")
        for key, (title, content) in shown.items()
    )
    contents = [(key, title) for key, (title, _) in shown.items()]
    return page("Drift detectors: dermtwin", top, contents, body)


def _facts(result: Result) -> Iterator[str]:
    for name, said in detector_facts(result).items():
        yield f"{name.capitalize()}: {said}. "


def _without(result: Result) -> Sheet:
    rows = [
        [
            one["detector"].replace("_", " "),
            one["family"],
            _rate(one),
            f"{one['false_reports']} in {number(one['watched_days'])} d",
            _by_chance(one),
        ]
        for one in result["without"]
    ]
    head = ["detector", "streams", "false alarms a month", "reports", "alarm by chance"]
    caption = "Without any shift"
    return Sheet(caption=caption, head=head, rows=rows, numeric=3)


def _delays(
    result: Result, kind: str, levels: Sequence[float], families: Sequence[str], brief: bool
) -> Iterator[list[str]]:
    for quiet in result["without"]:
        detector, family = quiet["detector"], quiet["family"]
        alone = family != ANY and not _has_any(result, detector)
        if family not in families and not (alone and ANY in families):
            continue
        cells = {
            row["level"]: row
            for row in result["rows"]
            if (row["shift"], row["detector"], row["family"]) == (kind, detector, family)
        }
        yield [
            kind.replace("_", " "),
            detector.replace("_", " "),
            family,
            _rate(quiet),
            _by_chance(quiet),
            *(_delay(cells.get(level), brief=brief) for level in levels),
        ]


def _has_any(result: Result, detector: str) -> bool:
    """Return whether a detector watches several families, and so has a line of all of them."""
    return any(one["detector"] == detector and one["family"] == ANY for one in result["without"])


def _rate(one: Mapping[str, Any]) -> str:
    rate = one["false_per_month"]
    if rate is None:
        return "–"
    high = rate["high"]
    return f"{number(rate['value'])} ({number(rate['low'], high)} to {number(high)})"


def _by_chance(one: Mapping[str, Any]) -> str:
    return f"{one['by_chance']['detected']} of {one['by_chance']['runs']}"


def _delay(row: Mapping[str, Any] | None, *, brief: bool) -> str:
    """Return a cell.

    >>> _delay({"delay_days": [1.25, 2.0, None], "detected": 6, "runs": 8}, brief=False)
    '2.0 (1.2 to later), 6 of 8'
    >>> _delay({"delay_days": [1.25, 2.0, None], "detected": 6, "runs": 8}, brief=True)
    '2.0, 6 of 8'
    """
    if row is None:
        return "–"
    low, median, high = ("later" if one is None else f"{one:.1f}" for one in row["delay_days"])
    if not row["detected"]:
        return f"none of {row['runs']}"
    if brief:
        every = row["detected"] == row["runs"]
        return median if every else f"{median}, {row['detected']} of {row['runs']}"
    spread = "" if median == "later" else f" ({low} to {high})"
    return f"{median}{spread}, {row['detected']} of {row['runs']}"


def _choice(result: Result) -> Choice:
    kinds = dict.fromkeys(row["shift"] for row in result["rows"] if row["shift"] != PREVALENCE)
    return Choice(
        asks="Shift", figures={kind.replace("_", " "): _figure(result, kind) for kind in kinds}
    )


def _figure(result: Result, kind: str) -> Figure:
    detectors = [
        (one["detector"], one["family"])
        for one in result["without"]
        if one["detector"] != ANY
        and (one["family"] == ANY or not _has_any(result, one["detector"]))
    ]
    data = []
    for place, (detector, family) in enumerate(detectors):
        rows = [
            row
            for row in result["rows"]
            if (row["shift"], row["detector"], row["family"]) == (kind, detector, family)
        ]
        known = [row for row in rows if row["delay_days"][1] is not None]
        lows, medians, highs = ([row["delay_days"][place] for row in known] for place in range(3))
        name = detector.replace("_", " ")
        data.append(
            {
                **series(place, name),
                "mode": "lines+markers",
                # Side by side, so that whiskers do not cover each other.
                "x": [row["level"] + 0.05 * (place - len(detectors) / 2) for row in known],
                "y": [rounded(one) for one in medians],
                "error_y": whiskers(medians, lows, highs, place),
                "text": [f"{row['detected']} of {row['runs']} alarm" for row in known],
                "hovertemplate": name + ": %{y:.3g} d, %{text}<extra></extra>",
            }
        )
    span = (result["horizon_min"] - result["onset_min"]) / DAY_MIN
    return Figure(
        title=f"{kind.replace('_', ' ')}: delay to the first alarm",
        caption="Median over replications, on any stream; bars are quartiles. A detector has no "
        f"point where fewer than half of the replications alarm within {number(span)} days.",
        data=data,
        layout={
            "xaxis": axis("severity", dtick=1, range=[0.5, 5.5]),
            "yaxis": axis("days", range=[0, span]),
        },
        height=380,
    )
