from dataclasses import replace

import pytest

from simulator.analysis.intervals import batch_interval
from simulator.analysis.wilson import wilson_interval
from simulator.experiment.aggregate import aggregate, answer_of, wanted_replications
from simulator.experiment.result import Curves, ReplicationResult
from simulator.language.scenario import load


def result(
    replication: int,
    values: dict[str, float],
    *,
    ratios: dict[str, tuple[float, float]] | None = None,
    missing: dict[str, str] | None = None,
    waits: list[float] | None = None,
) -> ReplicationResult:
    return ReplicationResult(
        replication=replication,
        digest=f"d{replication}",
        from_min=0.0,
        to_min=100.0,
        end_min=100.0,
        values=values,
        counts=dict.fromkeys(values, 10),
        ratios=ratios or {},
        missing=missing or {},
        checks=[],
        curves=Curves(),
        alone={"wait.read.mean": batch_interval(waits)} if waits else {},
    )


def scenario(replications: str):
    return load(
        f"""\
name: week
horizon: 7 d
cases: {{source: nominal}}
replications: {replications}
arrivals: {{rate_per_h: 3}}
pathway: [{{id: read, staff: reader, service: 10 min, then: end}}]
staff: {{reader: 1}}
""",
        "x.yaml",
    )


def test_means_over_replications_have_students_interval() -> None:
    # t(0.975, 2) = 4.302653, sd 1, so half the width is 4.302653 / sqrt(3)
    results = [result(i, {"wait.read.mean": 9.0 + i}) for i in range(3)]
    answer = answer_of("wait.read.mean", results)
    assert (answer.value, answer.n, answer.cases, answer.method) == (10.0, 3, 30, "replications")
    assert answer.valid
    assert answer.high - answer.value == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert answer.low == pytest.approx(10 - 4.302653 / 3**0.5, rel=1e-6)


def test_shares_are_pooled_not_averaged() -> None:
    parts = {0: (9, 10), 1: (10, 100), 2: (11, 100), 3: (12, 100)}
    results = [
        result(i, {"sensitivity": part / whole}, ratios={"sensitivity": (part, whole)})
        for i, (part, whole) in parts.items()
    ]
    answer = answer_of("sensitivity", results)
    assert answer.method == "ratio"
    assert answer.value == pytest.approx(42 / 310)


def test_a_group_is_too_small_only_after_pooling() -> None:
    name = "sensitivity{skin_tone=V-VI}"

    def few(replication: int) -> ReplicationResult:
        one = result(replication, {name: 0.5}, ratios={name: (3.0, 6.0)})
        return replace(one, counts={name: 6})

    alone = answer_of(name, [few(0)])
    assert (alone.value, alone.reason) == (None, "only 6 malignant; 10 are needed")
    pooled = answer_of(name, [few(0), few(1)])
    assert (pooled.value, pooled.cases) == (0.5, 12)


def test_no_interval_leaves_what_can_be() -> None:
    results = [
        result(i, {"sensitivity": share}, ratios={"sensitivity": (10 * share, 10)})
        for i, share in enumerate((0.8, 1.0))
    ]
    answer = answer_of("sensitivity", results)
    assert answer.high == 1.0
    waits = [result(i, {"wait.read.mean": wait}) for i, wait in enumerate((0.1, 9.0))]
    assert answer_of("wait.read.mean", waits).low == 0.0


def test_one_replication_has_batch_means_of_waits_a_score_interval_of_shares_and_else_none() -> (
    None
):
    waits = [float(i % 7) for i in range(4000)]
    one = result(
        0,
        {"wait.read.mean": sum(waits) / 4000, "sensitivity": 0.8, "queue.read.mean": 2.0},
        ratios={"sensitivity": (8, 10)},
        waits=waits,
    )
    answers = aggregate([one])
    assert answers["wait.read.mean"].method == "batch means"
    assert answers["wait.read.mean"].low is not None
    share = answers["sensitivity"]
    assert (share.method, round(share.low, 4), round(share.high, 4)) == ("score", 0.4902, 0.9433)
    queue = answers["queue.read.mean"]
    assert (queue.value, queue.low, queue.valid) == (2.0, None, False)
    assert "one replication" in queue.reason


def test_a_metric_without_ground_says_why() -> None:
    results = [result(0, {}, missing={"auc": "no malignant case"})] * 2
    answer = answer_of("auc", results)
    assert (answer.value, answer.reason) == (None, "no malignant case")


def test_replications_that_lack_a_metric_are_told() -> None:
    results = [result(i, {"auc": 0.9 + i / 100}) for i in range(3)]
    results.append(result(3, {}, missing={"auc": "no malignant case"}))
    answer = answer_of("auc", results)
    assert answer.n == 3
    assert "1 of 4 replications" in answer.reason


def test_a_number_of_replications_is_that_number() -> None:
    assert wanted_replications(scenario("7"), [])[0] == 7
    results = [result(i, {"wait.read.mean": float(i)}) for i in range(7)]
    assert wanted_replications(scenario("7"), results)[0] == 7


def test_a_precision_asks_for_more_until_it_is_reached() -> None:
    clinic = scenario("{min: 5, max: 40, precision: 0.05, of: [wait.read.mean]}")
    assert wanted_replications(clinic, [])[0] == 5
    noisy = [result(i, {"wait.read.mean": 10.0 + 5 * (-1) ** i}) for i in range(5)]
    more, reached = wanted_replications(clinic, noisy)
    assert more == 10  # at most twice what there is
    assert reached["wait.read.mean"] > 0.05
    noisy += [result(i, {"wait.read.mean": 10.0 + 5 * (-1) ** i}) for i in range(5, 40)]
    assert wanted_replications(clinic, noisy)[0] == 40  # the scenario's bound
    quiet = [result(i, {"wait.read.mean": 10.0 + 0.01 * (-1) ** i}) for i in range(5)]
    assert wanted_replications(clinic, quiet)[0] == 5


def test_results_survive_being_stored() -> None:
    one = result(3, {"auc": 0.9}, ratios={"sensitivity": (1.0, 2.0)}, waits=[1.0, 2.0] * 300)
    assert ReplicationResult.from_dict(one.as_dict()) == one


def counted(replication: int, name: str, part: float, whole: float) -> ReplicationResult:
    """A replication that has one metric as a part of a whole, or without cases lacks it."""
    if not whole:
        return result(replication, {}, missing={name: "no cases"})
    one = result(replication, {name: part / whole}, ratios={name: (part, whole)})
    return replace(one, counts={name: int(whole)})


def test_a_replication_without_cases_of_a_group_is_part_of_the_sample() -> None:
    name = "sensitivity{site=genital}"
    parts = [(4, 5), (0, 0), (5, 7), (2, 3)]
    answer = answer_of(name, [counted(i, name, *pair) for i, pair in enumerate(parts)])
    assert (answer.value, answer.n, answer.cases) == (11 / 15, 4, 15)
    assert (answer.method, answer.valid, answer.reason) == ("ratio", True, "")


def test_a_share_that_is_the_same_everywhere_is_not_certain() -> None:
    name = "sensitivity{site=genital}"
    answer = answer_of(name, [counted(i, name, 6, 6) for i in range(3)])
    assert (answer.value, answer.method, answer.valid) == (1, "score", True)
    assert answer.low == pytest.approx(0.824, abs=1e-3)  # Wilson, 18 of 18


def test_prevalence_has_the_binomial_interval_of_all_patients() -> None:
    results = [counted(i, "prevalence", part, 400) for i, part in enumerate((30, 31, 29))]
    answer = answer_of("prevalence", results)
    interval = wilson_interval(90, 1200)
    assert (answer.low, answer.high, answer.method) == (interval.low, interval.high, "score")


def test_a_groups_mean_time_is_pooled_where_some_replications_have_few() -> None:
    name = "wait.read.mean{site=genital}"
    enough = [counted(i, name, 20.0 * (i + 1), 20) for i in range(3)]
    assert answer_of(name, enough).method == "replications"
    assert answer_of(name, enough).value == 2
    few = [*enough, counted(3, name, 90.0, 2)]
    answer = answer_of(name, few)
    assert (answer.method, answer.value) == ("ratio", (20 + 40 + 60 + 90) / 62)
    assert answer_of(name, [counted(0, name, 90.0, 2)]).reason == "only 2 cases; 10 are needed"


@pytest.mark.parametrize(
    ("ill", "well", "reason"),
    [
        (3, 40, "only 9 malignant; 10 are needed"),
        (40, 2, "only 6 benign; 10 are needed"),
        (4, 40, ""),
    ],
)
def test_an_area_needs_cases_of_both_kinds(ill: int, well: int, reason: str) -> None:
    name, group = "auc{site=genital}", "{site=genital}"
    results = [
        replace(
            counted(i, name, 0.9 * ill * well, ill * well),
            counts={
                name: ill + well,
                f"ai.sensitivity{group}": ill,
                f"ai.specificity{group}": well,
            },
        )
        for i in range(3)
    ]
    answer = answer_of(name, results)
    assert answer.reason.startswith(reason) if reason else answer.value == pytest.approx(0.9)
    assert (answer.value is None) == bool(reason)
