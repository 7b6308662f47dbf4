"""Sums, intervals and labels of the loop, against brute force."""

import doctest
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from loop_journals import columns_of, journal, scenario
from numpy.typing import NDArray

from simulator.analysis import jackknife
from simulator.analysis import tally as tally_module
from simulator.analysis.frames import Patients, window_of
from simulator.analysis.jackknife import fieller_interval, jackknife_interval
from simulator.analysis.label_sums import SUMS, label_sums, messages_of
from simulator.analysis.precision import t_quantile
from simulator.analysis.tally import FIGURES, Tally, tally, total
from simulator.experiment import restacking as restacking_module
from twin.evaluate import evaluate
from twin.events import FeedbackReceived
from twin.labels import DUPLICATE, UNKNOWN_CASE


def cases(
    n: int, seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.float64]]:
    draws = np.random.default_rng(seed)
    p = np.round(draws.random(n), 2)  # with ties
    return draws.random(n) < p, p >= 0.4, p


def test_a_tally_is_what_evaluation_says() -> None:
    ill, flagged, p = cases(300)
    found, known = tally(ill, flagged, p), evaluate(p, ill, 0.4)
    for name in ("sensitivity", "specificity", "auc", "calibration_error", "brier"):
        assert found.figure(name) == pytest.approx(getattr(known, name), abs=1e-9)
    both = known.sensitivity + known.specificity  # type: ignore[operator]
    assert found.figure("balanced_accuracy") == pytest.approx(both / 2)


def test_tallies_add_up_and_travel_as_plain_data() -> None:
    parts = [cases(80, seed) for seed in (1, 2)]
    whole = total(Tally.from_dict(tally(*part).as_dict()) for part in parts)
    ill, _, p = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    known = evaluate(p, ill, 0.4)
    for name in ("sensitivity", "specificity", "calibration_error", "brier"):
        assert whole.figure(name) == pytest.approx(getattr(known, name), abs=1e-9)
    # Pairs are those within each part.
    won = pairs = 0.0
    for here, _, scores in parts:
        difference = scores[here][:, None] - scores[~here][None, :]
        won += float((difference > 0).sum() + (difference == 0).sum() / 2)
        pairs += difference.size
    assert whole.figure("auc") == pytest.approx(won / pairs)


def test_nothing_has_no_figures() -> None:
    assert all(Tally().figure(name) is None for name in FIGURES)
    ill = np.ones(3, dtype=bool)
    assert tally(ill, ill, np.full(3, 0.9)).figure("balanced_accuracy") is None


Pair = tuple[float, float]


def mean(place: int) -> Callable[[Sequence[Pair]], float]:
    return lambda some: sum(one[place] for one in some) / len(some)


def test_a_ratio_has_the_interval_of_all_values_that_are_not_beyond_chance() -> None:
    draws = np.random.default_rng(3)
    units = [(float(draws.normal(2, 0.5)), float(draws.normal(4, 0.7))) for _ in range(8)]

    found = fieller_interval(units, mean(0), mean(1), 0.9)
    a, b = np.array(units).T
    ratios = np.linspace(0, 2, 200_001)
    rest = a[:, None] - ratios * b[:, None]
    # Of each ratio: Student's t of part - ratio x whole.
    t = np.abs(rest.mean(axis=0)) / (rest.std(axis=0, ddof=1) / np.sqrt(8))
    inside = ratios[t <= t_quantile(0.95, 7)]
    assert found.low == pytest.approx(inside[0], abs=2e-5)
    assert found.high == pytest.approx(inside[-1], abs=2e-5)
    assert found.mean == pytest.approx(a.mean() / b.mean())


def test_a_share_of_what_may_be_nothing_has_no_bounds() -> None:
    units = [(1.0, 0.1), (1.1, -0.2), (0.9, 0.2)]

    found = fieller_interval(units, mean(0), mean(1))
    assert found.low is None
    assert "may be 0" in found.reason


def test_one_replication_has_no_spread() -> None:
    assert jackknife_interval([1.0], sum).reason.startswith("one value")
    known: list[float | None] = [None, 1.0]
    alone = jackknife_interval(known, lambda some: next((x for x in some if x), None))
    assert alone.low is None
    assert "one replication" in alone.reason


def test_the_interval_of_a_balanced_accuracy_covers_it() -> None:
    draws = np.random.default_rng(5)
    covered = 0
    for _ in range(200):
        runs = []
        for _ in range(8):
            ill = draws.random(200) < 0.3
            flagged = draws.random(200) < np.where(ill, 0.8, 0.3)
            runs.append(tally(ill, flagged, flagged * 1.0))
        found = jackknife_interval(runs, lambda some: total(some).figure("balanced_accuracy"))
        assert found.low is not None
        assert found.high is not None
        covered += found.low <= 0.75 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


def test_sums_of_labels_are_those_of_the_rows() -> None:
    clinic, run = scenario(), journal()
    patients, window = Patients(clinic, run), window_of(clinic, run, 0.0)
    found = label_sums(patients, window, messages_of(patients, run))
    table = columns_of(run)
    labelled = ~np.isnan(table["label"])
    took_min = (table["labelled_min"] - table["arrival_min"])[labelled].max()
    until_min = window.to_min - took_min
    assert found["until_min"] == pytest.approx(until_min)
    assert found["ripe"]
    expected = {key: dict.fromkeys(SUMS, 0.0) for key in ("truth", "unweighted", "weighted")}
    for row in range(len(labelled)):
        if table["arrival_min"][row] >= until_min:
            continue
        flagged = table["flagged"][row] > 0
        readings = {"truth": (table["malignant"][row] > 0, 1.0)}
        if labelled[row]:
            says = table["label"][row] > 0
            readings |= {"unweighted": (says, 1.0), "weighted": (says, 1.0 if flagged else 5.0)}
        for key, (ill, weight) in readings.items():
            sums = expected[key]
            sums["all"] += weight
            sums["malignant" if ill else "benign"] += weight
            if ill and flagged:
                sums["hits"] += weight
            if not ill and not flagged:
                sums["passes"] += weight
    for key, sums in expected.items():
        assert found[key] == pytest.approx([sums[name] for name in SUMS]), key


def test_messages_that_do_not_count_have_a_reason() -> None:
    clinic, run = scenario(), journal()
    found = messages_of(Patients(clinic, run), run)
    assert found.received == sum(isinstance(one, FeedbackReceived) for one in run.events)
    assert set(found.apart) == {DUPLICATE, UNKNOWN_CASE}
    counted = int((~np.isnan(found.p_verified)).sum())
    assert found.received == counted + sum(found.apart.values())
    assert counted == int((~np.isnan(run.patients.column("label"))).sum())


@pytest.mark.parametrize("module", [jackknife, tally_module, restacking_module])
def test_examples_of_the_docstrings(module: object) -> None:
    found = doctest.testmod(module)  # type: ignore[arg-type]
    assert found.failed == 0
    assert found.attempted > 0
