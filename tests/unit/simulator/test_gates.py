import pytest
from test_aggregate import result

from simulator.experiment.aggregate import answer_of
from simulator.experiment.gates import Verdict, judge, overall
from simulator.language.experiment import Gate


def gate(op: str, bound: float, metric: str = "wait.read.mean") -> Gate:
    text = f"{metric} {op} {bound}"
    return Gate(text=text, metric=metric, op=op, bound=bound, written=str(bound))


def judged(op: str, bound: float, values: list[float], metric: str = "wait.read.mean"):
    results = [result(i, {metric: value}) for i, value in enumerate(values)]
    return judge(gate(op, bound, metric), answer_of(metric, results), results)


WAITS = [9.0, 10.0, 11.0, 10.0]  # mean 10, 95 % interval 8.70 to 11.30


@pytest.mark.parametrize(
    ("op", "bound", "verdict"),
    [
        ("<", 12.0, Verdict.PASS),
        ("<=", 12.0, Verdict.PASS),
        ("<", 8.0, Verdict.FAIL),
        (">", 8.0, Verdict.PASS),
        (">=", 12.0, Verdict.FAIL),
        ("<", 10.5, Verdict.INCONCLUSIVE),
        (">", 10.5, Verdict.INCONCLUSIVE),
    ],
)
def test_the_whole_interval_must_lie_on_one_side(op: str, bound: float, verdict: Verdict) -> None:
    assert judged(op, bound, WAITS).verdict is verdict


def test_a_doubtful_gate_says_how_many_more_replications_would_decide() -> None:
    told = judged("<", 10.5, WAITS)
    assert told.more_replications is not None
    assert told.more_replications > 4
    assert str(told.more_replications) in told.words


def test_an_equality_holds_in_every_run_or_fails() -> None:
    assert judged("==", 0.0, [0.0, 0.0], "verdicts.lost").verdict is Verdict.PASS
    assert judged("==", 0.0, [0.0, 1.0], "verdicts.lost").verdict is Verdict.FAIL
    assert judged("==", 0.0, [0.0], "verdicts.lost").verdict is Verdict.PASS


def test_one_replication_without_an_interval_decides_nothing() -> None:
    assert judged("<", 100.0, [5.0]).verdict is Verdict.INCONCLUSIVE


def test_runs_that_are_all_alike_need_no_interval() -> None:
    assert judged("<", 6.0, [5.0, 5.0]).verdict is Verdict.PASS
    assert judged("<", 4.0, [5.0, 5.0]).verdict is Verdict.FAIL


def test_a_metric_without_a_figure_is_inconclusive() -> None:
    results = [result(0, {}, missing={"auc": "no malignant case"})] * 2
    told = judge(gate(">", 0.9, "auc"), answer_of("auc", results), results)
    assert (told.verdict, told.value) == (Verdict.INCONCLUSIVE, None)
    assert "no malignant case" in told.words


def test_a_failure_outweighs_doubt_and_doubt_outweighs_passing() -> None:
    passed, doubtful, failed = (judged("<", b, WAITS) for b in (12.0, 10.5, 8.0))
    assert overall([passed]) is Verdict.PASS
    assert overall([passed, doubtful]) is Verdict.INCONCLUSIVE
    assert overall([doubtful, failed, passed]) is Verdict.FAIL
