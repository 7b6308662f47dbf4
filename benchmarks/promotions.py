"""What the gate lets through: 50 clinics each with a poisoned feed, a true shift, and neither.

    python -m benchmarks.promotions [--seeds 50] [--isic]

Each clinic is a run of the engine over a bank of lesions whose scores are made up (three learners,
normal numbers), so it needs neither images nor a model; with `--isic` the bank is the 660 test
images in DERMTWIN_DATA. Labels come back as the scenario says: late, and of few of those who are
discharged. Whether a promotion does harm is measured on the whole bank with its true labels.

Gates: with 30 % of one group's labels turned round nothing is ever promoted, whether the scores
have shifted too or not; with a true shift a stack is promoted in 90 % of the clinics or more; with
no shift at most 4 % see a promotion after which sensitivity is lower by more than the margin than
it was with the stack before, or with version 0.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.made_up_bank import CAST, made_up
from simulator.cases.bank import AS_THEY_COME, Bank, Severities
from simulator.clinic.bank_link import bank_link
from simulator.experiment.replicate import replicate
from simulator.language.scenario import load
from simulator.language.schema import Scenario
from twin.events import StackPromoted, StackRejected
from twin.meta import INPUT
from twin.model import Model
from twin.restacking.plan import GatePlan
from twin.stacks import StackVersion, version_of

SEEDS: Final = 50
POISONED: Final = ("sex=female", "sex=male", "age_band=40-59")  # in turns
MARGIN: Final = GatePlan().sensitivity_drop_max

_SYNTHETIC: Final = (
    "{source: synthetic, bank: 800, population: {prevalence: 35 %, age: {mean: 52, sd: 17}}}"
)
_ISIC: Final = "{source: images, images: {split: test}, bank: all}"
_CLINIC: Final = """
name: promotions
seed: 1
horizon: 70 d
warmup: 0 d
cases: %(cases)s
%(model)sarrivals: {rate_per_d: %(per_day)d}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: {exponential: {mean: 2 min}}, then: end}
staff: {reader: 2}
decision: {reader: {sensitivity: 0.89, specificity: 0.76, weight_of_ai: 0.5}}
feedback:
  delay: {lognormal: {mean: 3 d, sd: 1 d}}
  verified: {biopsied: 100 %%, discharged: 30 %%}
  label_noise: 1 %%
  poison: [%(poison)s]
restack: {every: 7 d, window: 28 d}
shifts: [%(shifts)s]
"""
_SHIFT: Final = "{at: 21 d, image: {colour_cast: 4}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One kind of clinic."""

    name: str
    shifted: bool
    poisoned: bool
    gate: str  # in words
    met: Callable[["Counts"], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many of the clinics."""

    clinics: int
    promoted: int  # had a promotion
    harmed: int  # had one that harms sensitivity
    better: int  # ended with a balanced accuracy at least as high as version 0's there
    promotions: int  # of all clinics


SETTINGS: Final = (
    Setting(
        name="poisoned feed",
        shifted=False,
        poisoned=True,
        gate="none promoted",
        met=lambda found: found.promoted == 0,
    ),
    Setting(
        name="poisoned feed, true shift",
        shifted=True,
        poisoned=True,
        gate="none promoted",
        met=lambda found: found.promoted == 0,
    ),
    Setting(
        name="true shift",
        shifted=True,
        poisoned=False,
        gate="promoted in 90 %",
        met=lambda found: found.promoted >= 0.9 * found.clinics,
    ),
    Setting(
        name="no shift",
        shifted=False,
        poisoned=False,
        gate="harmed in 4 % at most",
        met=lambda found: found.harmed <= 0.04 * found.clinics,
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one clinic."""

    promotions: int
    worst_drop: float  # of true sensitivity, by any promotion; negative: all gained
    gain: float  # of true balanced accuracy, of the last stack over version 0
    refusals: tuple[str, ...]  # why nothing was promoted at the other epochs, in words


def clinic(setting: Setting, seed: int, *, isic: bool = False) -> Scenario:
    """Return the scenario of a clinic."""
    group = POISONED[seed % len(POISONED)]
    text = _CLINIC % {
        "cases": _ISIC if isic else _SYNTHETIC,
        "model": "model: {learn_from: images, split: train}\n" if isic else "",
        "per_day": 80 if isic else 40,
        "poison": f"{{share: 30 %, group: '{group}'}}" if setting.poisoned else "",
        "shifts": _SHIFT if setting.shifted else "",
    }
    return load(text, "promotions.yaml")


def outcome(setting: Setting, scenario: Scenario, seed: int, bank: Bank) -> Outcome:
    """Run a clinic; hold every promotion against the whole bank's truth."""
    journal = replicate(scenario, seed, twin=bank_link(scenario, bank), bank=bank)
    decisions = journal.stack_events
    journal.close()
    promoted = [one for one in decisions if isinstance(one, StackPromoted)]
    way = CAST if setting.shifted else AS_THEY_COME
    shares = [_shares(version_of(one), bank, way) for one in promoted]
    first = shares[0]
    drops = [max(first[0], before[0]) - after[0] for before, after in pairwise(shares)]
    return Outcome(
        promotions=len(promoted) - 1,  # version 0 is announced as one
        worst_drop=max(drops, default=0.0),
        gain=(sum(shares[-1]) - sum(first)) / 2,
        refusals=tuple(one.reason for one in decisions if isinstance(one, StackRejected)),
    )


def _shares(version: StackVersion, bank: Bank, way: Severities) -> tuple[float, float]:
    """Return sensitivity and specificity on the whole bank, each lesion counted once."""
    scores = bank.scores[way]
    found = version.meta.weights_for(version.meta.learners)
    columns = dict(zip(scores.learners, scores.log_odds.T, strict=True))
    columns |= {f"{INPUT}{place}": column for place, column in enumerate(scores.sketch.T)}
    total = np.full(len(bank), found.intercept)
    for name, weight in found.weights.items():
        total += weight * columns[name]
    flagged = 1.0 / (1.0 + np.exp(-total)) >= version.threshold
    shares, ill = bank.lesion_shares, bank.malignant
    right = np.where(ill, flagged, ~flagged)
    found_of = [float(np.average(right[of], weights=shares[of])) for of in (ill, ~ill)]
    return found_of[0], found_of[1]


def measure(seeds: int = SEEDS, *, isic: bool = False, only: str = "") -> dict[str, Any]:
    """Run all clinics, one after the other; return the counts by setting.

    Parameters:
        only: the one setting that is wanted; empty: all.
    """
    bank = _isic_bank() if isic else None
    wanted = [one for one in SETTINGS if only in ("", one.name)]
    jobs = [(setting, seed) for setting in wanted for seed in range(seeds)]
    found: dict[str, list[Outcome]] = {one.name: [] for one in wanted}
    for setting, seed in track(jobs, "clinics", console=Console(stderr=True)):
        scenario = clinic(setting, seed, isic=isic)
        of = bank or made_up(scenario, seed)
        found[setting.name].append(outcome(setting, scenario, seed, of))
    rows = {name: _counted(outcomes) for name, outcomes in found.items()}
    met = [one.met(rows[one.name]) for one in wanted]
    return {
        "bank": "ISIC test images" if isic else "made up",
        "rows": {name: asdict(row) for name, row in rows.items()},
        "pass": all(met),
    }


def _counted(outcomes: Sequence[Outcome]) -> Counts:
    promoted = [one for one in outcomes if one.promotions]
    return Counts(
        clinics=len(outcomes),
        promoted=len(promoted),
        harmed=sum(one.worst_drop > MARGIN for one in outcomes),
        better=sum(one.gain > 0 for one in promoted),
        promotions=sum(one.promotions for one in outcomes),
    )


def _isic_bank() -> Bank:
    """Return the bank of the test images, scored as a run would have it."""
    from services.banks import Banks
    from services.config import read_settings
    from services.console import progress_bars
    from services.experiments.plan import Point
    from services.image_directory import ImageDirectory
    from services.learning import model_for

    settings = read_settings(os.environ)
    images = ImageDirectory(settings.data)
    shifted = next(one for one in SETTINGS if one.shifted)
    with progress_bars() as bars:

        def model(scenario: Scenario) -> Model:
            return model_for(scenario, None, settings, bars, images)

        point = Point({}, clinic(shifted, 0, isic=True))
        return Banks(settings, model, bars, images).of(point).bank


def main() -> None:
    """Print the table, and as JSON if asked; exit with 1 if a gate is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_AsWritten)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="clinics of each kind")
    parser.add_argument("--isic", action="store_true", help="test images in DERMTWIN_DATA")
    parser.add_argument(
        "--only", choices=[one.name for one in SETTINGS], default="", help="one kind"
    )
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    options = parser.parse_args()
    if options.isic and not os.environ.get("DERMTWIN_DATA"):
        sys.exit("set DERMTWIN_DATA to a directory of images with train and test splits")
    result = measure(options.seeds, isic=options.isic, only=options.only)
    if options.json:
        print(json.dumps(result))
    else:
        Console().print(_table(result))
    sys.exit(0 if result["pass"] else 1)


class _AsWritten(argparse.RawDescriptionHelpFormatter):
    pass


def _table(result: Mapping[str, Any]) -> Table:
    table = Table(
        *("clinics with", "clinics", "promoted", "harmed", "better at the end", "gate"),
        title=f"Promotions, bank: {result['bank']}",
    )
    for one in SETTINGS:
        if one.name in result["rows"]:
            row = result["rows"][one.name]
            cells = [str(row[name]) for name in ("clinics", "promoted", "harmed", "better")]
            table.add_row(one.name, *cells, one.gate)
    return table


if __name__ == "__main__":
    main()
