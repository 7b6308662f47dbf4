"""What is kept of a run's loop, and what all replications together say, against brute force."""

import json
from dataclasses import replace

import numpy as np
import pytest
from bank_samples import bank, people
from loop_journals import BACK, DAY, DAYS, ONSET, columns_of, journal, result, results, scenario

from simulator.analysis.diagnostics import diagnose
from simulator.analysis.frames import Patients, window_of
from simulator.analysis.loop_metrics import count_labels, count_stacks
from simulator.analysis.measure import Measured
from simulator.analysis.precision import t_quantile
from simulator.cases.bank import AS_THEY_COME
from simulator.experiment.drift_seen import drift_seen
from simulator.experiment.label_bias import label_bias
from simulator.experiment.loop_data import loop_of
from simulator.experiment.loop_missing import missing_of
from simulator.experiment.loop_spells import loop_edges
from simulator.experiment.loop_windows import loop_windows, onsets
from simulator.experiment.looped import looped
from simulator.experiment.mask_cost import mask_cost
from simulator.experiment.performance import performance
from simulator.experiment.recovery import recovery
from simulator.experiment.restacking import restacking
from simulator.experiment.result import ReplicationResult
from simulator.language.metrics import OF_LOOP, groups, names
from twin.evaluate import evaluate
from twin.meta import MetaWeights, fit_meta
from twin.reference import Reference


def test_a_run_without_a_loop_keeps_nothing_of_it() -> None:
    plain = scenario(restack=False, feedback=None, drift=None, faults=[])
    assert loop_of(plain, journal(), 0.0) == {}
    assert not set(names(plain)) & set(OF_LOOP)
    assert not {"stack", "missing"} & set(groups(plain))


def test_results_travel_as_json_and_files_of_before_are_read() -> None:
    one = result(per_day=5)
    plain = json.loads(json.dumps(one.as_dict(), allow_nan=False))
    assert ReplicationResult.from_dict(plain).loop == plain["loop"]
    del plain["loop"]
    assert ReplicationResult.from_dict(plain).loop == {}


def test_metrics_of_labels_and_stacks_are_counts_of_rows() -> None:
    clinic, run = scenario(), journal()
    measured = Measured(window_of(clinic, run, 0.0))
    patients = Patients(clinic, run)
    inside = measured.window.has(patients.column("arrival_min"))
    count_labels(measured, patients, inside)
    count_stacks(measured, run.stack_events)
    diagnose(measured, clinic, patients, inside)
    table = columns_of(run)
    labelled = ~np.isnan(table["label"])
    wrong = labelled & (table["label"] != table["malignant"])
    assert measured.values["labels.count"] == labelled.sum()
    assert measured.values["labels.malignant"] == (table["label"] > 0).sum()
    assert measured.ratios["labels.wrong.share"] == (wrong.sum(), labelled.sum())
    stacks = {name: measured.values[f"stacks.{name}"] for name in ("promoted", "rejected")}
    assert stacks == {"promoted": 1, "rejected": 1}
    assert measured.values["stacks.waiting"] == 1
    assert measured.values["stacks.rollbacks"] == 0
    known = evaluate(table["p_malignant"], table["malignant"] > 0, 0.5)
    assert measured.values["brier"] == pytest.approx(known.brier)
    both = (known.sensitivity or 0) + (known.specificity or 0)
    assert measured.values["ai.balanced_accuracy"] == pytest.approx(both / 2)
    by_stack = [measured.counts[f"ai.sensitivity{{stack={one}}}"] for one in (0, 1)]
    assert sum(by_stack) == measured.counts["ai.sensitivity"]
    lacking = ~np.isnan(table["missing"])
    assert measured.counts["brier{missing=yes}"] == lacking.sum()


def test_spells_do_not_span_what_happens() -> None:
    edges = loop_edges(scenario(), 3000.0, 1600)
    assert {0.0, 3000.0, ONSET, 4 * DAY, 5 * DAY, DAYS * DAY} <= set(edges)
    assert edges == sorted(set(edges))
    long = scenario(horizon="365 d", arrivals={"rate_per_d": 10})
    assert len(loop_edges(long, 0.0, 3650)) < 70


def test_what_was_told_over_time_is_each_row_once() -> None:
    rows = performance(scenario(), results(), 0.95)
    for name in ("cases", "malignant"):
        assert sum(row[name] for row in rows) == sum(
            spell["tally"]["n" if name == "cases" else name]
            for one in results()
            for spell in one.loop["spells"]
        )
    assert all(min(row["malignant"], row["cases"] - row["malignant"]) >= 10 for row in rows)
    assert all(row["hits"] + row["misses"] == row["malignant"] for row in rows)
    before = [row for row in rows if row["to_min"] <= ONSET]
    between = [row for row in rows if ONSET <= row["from_min"] < BACK]
    assert all(row["versions"]["most"] == 0 for row in [*before, *between[:-1]])
    assert rows[-1]["versions"]["least"] == 1
    labels = sum(int((~np.isnan(columns_of(journal(True, n))["label"])).sum()) for n in range(4))
    assert sum(row["labels"] for row in rows) == labels


def test_few_patients_are_told_together_within_a_period() -> None:
    few = [result(True, number, per_day=3) for number in range(2)]
    rows = performance(scenario(), few, 0.95)
    assert any(row["from_min"] == ONSET for row in rows)
    assert len(rows) < DAYS
    assert all(row["malignant"] >= 10 for row in rows if row["from_min"] != ONSET)


def test_windows_begin_at_the_onset_and_a_stated_time_after_it() -> None:
    clinic, run = scenario(), journal()
    [found] = loop_windows(clinic, run, 0.0, settled_min=5 * DAY)
    at_min = columns_of(run)["arrival_min"]
    assert found["late_min"] == ONSET + 5 * DAY
    assert found["before"]["n"] == (at_min < ONSET).sum()
    assert found["after"]["n"] == (at_min >= ONSET).sum()
    assert found["late"]["n"] == (at_min >= ONSET + 5 * DAY).sum()


def test_a_shift_that_ends_has_a_period_after_it() -> None:
    shift = {"id": "cast", "at": "10 d", "over": "2 d", "until": "20 d", "image": {"noise": 3}}
    found = onsets(scenario(shifts=[shift]))
    assert [(one.name, one.onset_min / DAY, one.from_min / DAY) for one in found] == [
        ("cast", 10, 12),
        ("cast-over", 20, 22),
    ]


def test_recovery_is_told_on_the_same_patients() -> None:
    both = [scenario(restack=False), scenario(restack=True)]
    found = recovery(both, [results(restack=False), results(restack=True)], 0.95)
    assert found is not None
    assert found["without"] == 0
    [one] = found["points"]
    [period] = one["periods"]
    figures = period["figures"]["balanced_accuracy"]

    def balanced(restack: bool, from_min: float, to_min: float) -> float:
        p, ill = [], []
        for number in range(4):
            table = columns_of(journal(restack, number))
            here = (table["arrival_min"] >= from_min) & (table["arrival_min"] < to_min)
            p.append(table["p_malignant"][here])
            ill.append(table["malignant"][here] > 0)
        known = evaluate(np.concatenate(p), np.concatenate(ill), 0.5)
        assert known.sensitivity is not None
        assert known.specificity is not None
        return (known.sensitivity + known.specificity) / 2

    before = balanced(False, 0, ONSET)
    late, with_ = (balanced(one, ONSET + 14 * DAY, DAYS * DAY) for one in (False, True))
    assert figures["before"]["value"] == pytest.approx(before)
    assert figures["loss"]["mean"] == pytest.approx(before - late)
    assert figures["back"]["mean"] == pytest.approx(with_ - late)
    assert figures["share"]["mean"] == pytest.approx((with_ - late) / (before - late))
    assert 0.5 < figures["share"]["low"] < figures["share"]["mean"] < figures["share"]["high"]
    # Of an error that rises both are negative, and their share is still one.
    error = period["figures"]["calibration_error"]
    assert error["loss"]["mean"] < 0 < error["share"]["mean"]


def test_recovery_needs_points_with_and_without() -> None:
    assert recovery([scenario()], [results()], 0.95) is None
    assert recovery([scenario(), scenario()], [results(), results()], 0.95) is None


def test_a_run_that_ends_too_early_says_so() -> None:
    both = [results(restack=False), results(restack=True)]
    cut = [
        [
            replace(
                one,
                loop=one.loop
                | {"windows": [w | {"late_min": DAYS * DAY} for w in one.loop["windows"]]},
            )
            for one in runs
        ]
        for runs in both
    ]
    found = recovery([scenario(restack=False), scenario()], cut, 0.95)
    assert found is not None
    assert "ends before" in found["points"][0]["periods"][0]["reason"]


def test_labels_mislead_and_weighting_mends_them() -> None:
    found = label_bias(results(), 0.95)
    assert found is not None
    for name in ("prevalence", "sensitivity", "specificity"):
        one = found["figures"][name]
        assert one["unweighted.off"]["biased"] is True
        assert one["weighted.off"]["biased"] is False
    kept = [one.loop["labels"] for one in results()]
    hits, ill = (sum(one["weighted"][place] for one in kept) for place in (2, 1))
    assert found["figures"]["sensitivity"]["weighted"]["value"] == pytest.approx(hits / ill)
    assert (
        found["ways"]["biopsied"]["labels"] + found["ways"]["sampled"]["labels"]
        == (found["labelled"])
    )


def test_decisions_are_counted_and_the_lineage_is_told() -> None:
    found = restacking(results())
    assert found is not None
    times = {one["verdict"]: one["times"] for one in found["verdicts"]}
    assert times == {"promoted": 4, "rolled back": 0, "rejected": 4, "waiting": 4, "kept": 0}
    assert [one["version"] for one in found["lineage"]] == [0, 1]
    assert found["lineage"][1]["parent"] == 0
    assert [one["verdict"] for one in found["gates"]] == ["promoted"]
    assert found["weights"][1]["weights"] == {
        "intercept": 0.1,
        "svm": 0.8,
        "knn": 0.3,
        "input.0": 0.5,
    }
    rejected = next(one for one in found["verdicts"] if one["verdict"] == "rejected")
    assert rejected["reasons"][0]["kind"] == "sensitivity of sex=female"


def test_alarms_are_held_against_the_onset() -> None:
    found = drift_seen(scenario(), results(), 0.95)
    assert found is not None
    streams = {one["stream"]: one for one in found["streams"]}
    assert streams["score.svm"]["false_per_month"] == pytest.approx(3.0)  # one in ten days
    assert streams["score.svm"]["delays"]["cast"] == {
        "runs": 4,
        "seen": 4,
        "median_delay_min": 2 * DAY - 5,
    }
    assert streams["loss"]["delays"]["cast"]["seen"] == 0


def test_families_of_streams_have_intervals_and_delays() -> None:
    found = drift_seen(scenario(), results(), 0.95)
    assert found is not None
    rows = {(one["detector"], one["family"]): one for one in found["families"]}
    scores = rows["adwin", "scores"]
    assert scores["false_reports"] == 4, "one in each replication"
    assert scores["false_per_month"]["value"] == pytest.approx(3.0)
    assert scores["false_per_month"]["low"] == pytest.approx(0.8174, abs=1e-4)  # Garwood: 1.0899
    assert scores["delays"]["cast"]["delay_min"] == [2 * DAY - 5] * 3
    assert scores["delays"]["cast"]["share"]["low"] == pytest.approx(0.5101, abs=1e-4)
    assert rows["any", "any"]["delays"] == scores["delays"]
    assert rows["adwin", "performance"]["delays"]["cast"]["seen"] == 0
    assert {one[0] for one in found["alarms"]} == {0, 1, 2, 3}
    first = results()[0].loop["drift"]
    at_min = [one[2] for one in first["alarms"]]
    arrivals = columns_of(journal())["arrival_min"]
    assert first["alarm_cases"] == [int((arrivals <= one).sum()) for one in at_min]
    assert first["onset_cases"] == [int((arrivals < ONSET).sum())]


def test_estimates_are_held_against_the_truth_where_one_stack_answered() -> None:
    found = drift_seen(scenario(), results(), 0.95)
    assert found is not None
    one = found["estimates"]["accuracy"]
    assert one["not_valid"] == 4 * (DAYS - 10)
    assert one["why_not_valid"] == {"the images changed": 4 * (DAYS - 10)}
    table = columns_of(journal())
    holding = judged = 0
    first = results()[0].loop["drift"]["estimates"]
    for row in first:
        last = np.flatnonzero(table["arrival_min"] < row["at_min"])[-100:]
        mixed = len({*np.nan_to_num(table["missing"][last], nan=-1).tolist()}) > 1
        mixed |= len({*table["stack"][last].tolist()}) > 1
        right = float((table["flagged"] == table["malignant"])[last].mean())
        assert row["true"] == (None if mixed else pytest.approx(right))
        if row["valid"] and not mixed:
            judged += 1
            holding += 0.88 <= right <= 0.99
    every = [x for r in results() for x in r.loop["drift"]["estimates"]]
    known = [x for x in every if x["valid"] and x["true"] is not None]
    assert one["judged"] == len(known)
    assert one["holding"] == sum(0.88 <= x["true"] <= 0.99 for x in known)
    assert judged > 0


def test_an_outage_is_told_against_the_rest_and_by_the_full_stack() -> None:
    clinic, run = scenario(), journal()
    drawn = bank(people(400), ways=(AS_THEY_COME, (("colour_cast", 4),)))
    window = window_of(clinic, run, 0.0)
    found = missing_of(clinic, run, window, drawn)
    table = columns_of(run)
    lacks = ~np.isnan(table["missing"])
    assert found["by"]["knn"]["n"] == lacks.sum()
    assert found["by"][""]["n"] == (~lacks).sum()
    p = drawn.scores[AS_THEY_COME].p_malignant[run.patients.column("bank_entry").astype(int)]
    ill = table["malignant"] > 0
    assert found["full"]["knn"]["hits"] == (lacks & ill & (p >= 0.5)).sum()
    assert found["full"]["knn"]["n"] == found["by"]["knn"]["n"]
    assert "full" not in missing_of(clinic, run, window, None)


def test_an_outage_under_a_later_stack_is_answered_by_that_stack() -> None:
    late = [{"at": "20 d", "for": "1 d", "component": "knn"}]
    clinic, run = scenario(faults=late), journal()
    drawn = bank(people(400), ways=(AS_THEY_COME, (("colour_cast", 4),)))
    event = replace(run.stack_events[3], inputs=(), stacks={"svm+knn": [0.2, 0.5, -0.4]})
    run.stack_events[3] = event
    rows = np.concatenate(list(run.patients.chunks()))
    names_ = list(run.patients.columns)
    at, lack, shifts = (rows[:, names_.index(one)] for one in ("arrival_min", "missing", "shifts"))
    here = (at >= 20 * DAY) & (at < 21 * DAY)
    lack[:] = np.where(here, 0.0, np.nan)
    shifts[at >= ONSET] = 0
    fresh = type(run.patients)(names_)
    for row in rows.tolist():
        fresh.add(row)
    run.patients, run.words["shifts"] = fresh, {"cast": 0}
    found = missing_of(clinic, run, window_of(clinic, run, 0.0), drawn)
    scores = drawn.scores[(("colour_cast", 4),)]
    stack = MetaWeights(intercept=0.2, weights={"svm": 0.5, "knn": -0.4})
    hits = 0
    for row in rows[here]:
        place = int(row[names_.index("bank_entry")])
        p = stack.p_malignant(
            dict(zip(("svm", "knn"), scores.log_odds[place].tolist(), strict=True))
        )
        hits += p >= 0.5 and row[names_.index("malignant")] > 0
    assert found["full"]["knn"]["n"] == here.sum()
    assert found["full"]["knn"]["hits"] == hits


def test_a_point_has_all_parts_of_its_loop() -> None:
    found = looped(scenario(), results(), 0.95)
    assert found is not None
    assert all(found[key] for key in ("performance", "restacking", "labels", "drift", "outages"))
    assert json.dumps(found, allow_nan=False)
    assert found["marks"]["promoted"].count(4) == 1
    assert "rolled back" not in found["marks"]


def test_the_cost_out_of_fold_is_paired_on_the_training_images() -> None:
    draws = np.random.default_rng(1)
    ill = draws.random(300) < 0.4
    z = np.round(draws.normal(np.where(ill, 1.0, -1.0)[:, None], (1.0, 1.5), (300, 2)), 6)
    reference = Reference(log_odds=z, malignant=ill, sketch=np.zeros((300, 1)))
    meta = fit_meta(z, ill, ("svm", "knn"), 0.01)
    found = mask_cost(reference, meta, 0.4, ["svm"], 0.95)
    answers = [
        (
            meta.stacks[("svm", "knn")].p_malignant({"svm": a, "knn": b}) >= 0.4,
            meta.stacks[("knn",)].p_malignant({"knn": b}) >= 0.4,
        )
        for a, b in z.tolist()
    ]
    full, less = np.array(answers).T
    apart = less[ill].astype(float) - full[ill]
    assert found["sensitivity"]["mean"] == pytest.approx(apart.mean())
    half = t_quantile(0.975, len(apart) - 1) * apart.std(ddof=1) / np.sqrt(len(apart))
    assert found["sensitivity"]["low"] == pytest.approx(apart.mean() - half)
    assert found["without"]["specificity"] == pytest.approx((~less)[~ill].mean())
    assert found["auc"]["mean"] < 0
