"""The gate's rule, row by row: what passes, what waits, what is refused, and what is said."""

from dataclasses import replace

import numpy as np
import pytest

from twin.restacking.evidence import Evidence, Side
from twin.restacking.gate import Judgement, gain_of, judge
from twin.restacking.plan import GatePlan
from twin.restacking.refresh import AGAINST, refreshed

PLAN = GatePlan(per=("sex",))


def labelled(count=3000, seed=0, *, prevalence=0.4, unequal=0.0):
    """Held-out labels and the log-odds of a calibrated score (area under the curve 0.92).

    Parameters:
        unequal: nats by which the score of women says less than it should.
    """
    stream = np.random.default_rng(seed)
    ill = stream.random(count) < prevalence
    z = np.where(ill, 2.0, -2.0) + 2.0 * stream.normal(size=count)  # log-odds of even classes
    z += np.log(prevalence / (1 - prevalence))
    woman = np.arange(count) % 2 == 0
    evidence = Evidence(
        case_id=tuple(f"c{place:05d}" for place in range(count)),
        at_min=np.arange(count, dtype=float),
        log_odds=np.stack([z, z + stream.normal(size=count)], axis=1),
        sketch=np.zeros((count, 0)),
        malignant=ill,
        referred=stream.random(count) < np.where(ill, 0.9, 0.25),
        p_verified=np.ones(count),
        weight=np.ones(count),
        image=np.arange(count),
        held_out=np.ones(count, np.bool_),
        groups={"sex": tuple(np.where(woman, "female", "male").tolist())},
    )
    return evidence, z - unequal * woman


def side(log_odds, threshold=0.5):
    return Side(p_malignant=np.round(1 / (1 + np.exp(-log_odds)), 6), threshold=threshold)


def noisy(z, much, seed=1):
    """A worse score: its log-odds with something of chance in them, about as sure of itself."""
    return 0.75 * z + much * np.random.default_rng(seed).normal(size=len(z))


def verdicts(found: Judgement, group=""):
    return {row.metric: row.verdict for row in found.rows if row.group == group}


def test_who_is_better_passes_and_the_reason_says_by_what():
    evidence, z = labelled()
    found = judge(evidence, side(noisy(z, 2.0)), side(z), PLAN)
    assert found.verdict == "pass"
    assert set(verdicts(found).values()) == {"pass"}
    assert found.reason.startswith("passed: log loss")
    assert "on 3000 labels" in found.reason


def test_nobody_is_promoted_for_being_the_same():
    evidence, z = labelled()
    found = judge(evidence, side(z), side(z), PLAN)
    assert found.verdict == "fail"
    assert found.reason.startswith("refused: balanced accuracy")


def test_who_is_worse_is_refused_by_the_first_row_that_tells():
    evidence, z = labelled()
    found = judge(evidence, side(z), side(noisy(z, 2.0)), PLAN)
    assert found.verdict == "fail"
    assert found.reason.startswith("refused: auc")
    assert {"auc", "log_loss"} <= {k for k, v in verdicts(found).items() if v == "fail"}


def test_sensitivity_is_not_given_away_for_specificity():
    evidence, z = labelled()
    found = judge(evidence, side(noisy(z, 1.0)), side(z, threshold=0.7), PLAN)
    assert verdicts(found)["sensitivity"] == "fail"
    assert found.reason.startswith("refused: sensitivity")
    change = next(row for row in found.rows if row.metric == "sensitivity").change
    assert change is not None
    assert change < -0.02


def test_specificity_is_not_given_away_for_sensitivity():
    evidence, z = labelled()
    found = judge(evidence, side(z), side(z, threshold=0.1), PLAN)
    assert verdicts(found)["balanced_accuracy"] == "fail"


def test_few_labels_are_waited_for():
    evidence, z = labelled(90)
    found = judge(evidence, side(noisy(z, 0.5)), side(z), PLAN)
    assert found.verdict == "few"
    assert found.reason.startswith("waits for labels: ")


def test_a_handful_says_nothing_about_anything():
    evidence, z = labelled(14)
    found = judge(evidence, side(noisy(z, 0.5)), side(z), PLAN)
    assert found.verdict == "few"
    assert verdicts(found)["sensitivity"] == "few"


def test_labels_of_one_class_cannot_be_judged_by():
    evidence, z = labelled(60)
    found = judge(
        replace(evidence, malignant=np.zeros(60, np.bool_)), side(noisy(z, 0.5)), side(z), PLAN
    )
    assert found.verdict == "few"
    assert all(row.change is None for row in found.rows if row.metric != "label_noise")


def test_calibration_is_judged_by_estimate():
    evidence, z = labelled(600)
    better = judge(evidence, side(noisy(z, 1.5)), side(z), PLAN)
    row = next(row for row in better.rows if (row.metric, row.group) == ("calibration_error", ""))
    assert row.change is not None
    assert row.low is not None
    assert row.high is not None
    assert row.verdict == "pass"
    # Much too sure of itself, though it ranks as well as before.
    worse = judge(evidence, side(z), side(3.0 * z), PLAN)
    assert verdicts(worse)["calibration_error"] == "fail"


def test_a_loss_in_one_group_is_refused_once_it_is_shown():
    evidence, z = labelled(unequal=3.0)
    whole = labelled()[1]
    found = judge(evidence, side(noisy(whole, 2.5)), side(z), PLAN)
    assert verdicts(found, "sex=female")["sensitivity"] == "fail"
    assert verdicts(found, "sex=male")["sensitivity"] == "pass"
    assert found.verdict == "fail"


@pytest.mark.parametrize("group", ["", "sex=female"])
def test_labels_that_contradict_the_scores_are_not_judged_by(group):
    evidence, z = labelled()
    wrong = np.random.default_rng(3).random(len(z)) < 0.3
    if group:
        wrong &= np.array([sex == "female" for sex in evidence.groups["sex"]])
    turned = replace(evidence, malignant=evidence.malignant ^ wrong)
    found = judge(turned, side(noisy(z, 2.0)), side(z), PLAN)
    assert found.verdict == "fail"
    assert "of the labels" in found.reason
    assert f"of the labels{' of ' + group if group else ''} contradict" in found.reason


def test_margins_are_those_of_the_plan():
    evidence, z = labelled()
    champion, challenger = side(noisy(z, 1.0)), side(z, threshold=0.6)
    strict = judge(evidence, champion, challenger, PLAN)
    loose = replace(PLAN, sensitivity_drop_max=0.3)
    assert verdicts(strict)["sensitivity"] == "fail"
    assert verdicts(judge(evidence, champion, challenger, loose))["sensitivity"] == "pass"


def gates(first, champion, challenger, count=3000, seeds=(1, 1, 1)):
    """Against the champion, and against the stack from before."""
    evidence, z = labelled(count)
    much = (first, champion, challenger)
    sides = [side(noisy(z, one, seed)) for one, seed in zip(much, seeds, strict=True)]
    return (
        judge(evidence, sides[1], sides[2], PLAN),
        judge(evidence, sides[0], sides[2], PLAN),
    )


def test_a_refresh_need_not_show_again_what_its_forerunner_showed():
    now, before = gates(2.5, 0.8, 0.79, 500, seeds=(1, 2, 3))
    assert (now.verdict != "pass", before.verdict) == (True, "pass")
    assert any(gain_of(row) > 0 for row in now.rows if row.metric == "log_loss")
    found = refreshed(now, before, 3)
    assert found.verdict == "pass"
    assert "passed against version 3" in found.reason
    assert "log_loss" + AGAINST in {row.metric for row in found.rows}


def test_a_refresh_that_is_worse_by_estimate_does_not_pass():
    now, before = gates(2.5, 0.4, 1.3)
    assert (now.verdict, before.verdict) == ("fail", "pass")
    assert refreshed(now, before, 3) is now


def test_a_refresh_that_does_not_beat_the_stack_from_before_does_not_pass():
    now, before = gates(0.8, 0.8, 0.79, 500, seeds=(1, 2, 3))
    assert before.verdict != "pass"
    assert refreshed(now, before, 3) is now


def test_who_passes_anyway_is_no_refresh():
    now, before = gates(2.5, 2.0, 0.0)
    assert now.verdict == "pass"
    assert refreshed(now, before, 3) is now
