import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.analysis.metrics import auc, summarise, waits, wilson
from simulator.clinic.journal import CaseRecord, Visit
from simulator.language.scenario import load

SCENARIO = load(
    """\
name: week
cases: {count: 9}
arrivals: {rate_per_h: 6}
pathway:
  - {id: imaging, staff: nurse, service: 6 min, then: ai}
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 6 min, then: end}
staff: {nurse: 2, reader: 1, porter: 1}
""",
    "x.yaml",
)


def record(
    *, malignant: bool, referred: bool, p: float | None, at_min: float = 0.0, wait_min: float = 0.0
) -> CaseRecord:
    read_min = at_min + 6 + wait_min
    return CaseRecord(
        case_id=f"c{at_min}",
        arrival_min=at_min,
        visits={
            "imaging": Visit(queued_min=at_min, start_min=at_min, end_min=at_min + 6),
            "read": Visit(queued_min=at_min + 6, start_min=read_min, end_min=read_min + 4),
        },
        closed_min=read_min + 4,
        malignant=malignant,
        diagnosis=None,
        p_malignant=p,
        ai_malignant=None if p is None else p >= 0.5,
        rejected="no image" if p is None else None,
        referred=referred,
    )


def test_a_run_in_numbers() -> None:
    summary = summarise(
        [
            record(malignant=True, referred=True, p=0.9),
            record(malignant=True, referred=True, p=0.4, at_min=10, wait_min=3),
            record(malignant=True, referred=False, p=None, at_min=20),
            record(malignant=False, referred=False, p=0.1, at_min=30),
            record(malignant=False, referred=True, p=0.4, at_min=40),
        ],
        SCENARIO,
    )
    assert (summary.cases, summary.verdicts, summary.rejected) == (5, 4, 1)
    assert (summary.ai_sensitivity.value, summary.ai_sensitivity.n) == (0.5, 2)
    assert (summary.ai_specificity.value, summary.ai_specificity.n) == (1.0, 2)
    assert (summary.sensitivity.value, summary.sensitivity.n) == (pytest.approx(2 / 3), 3)
    assert (summary.specificity.value, summary.specificity.n) == (0.5, 2)
    assert (summary.auc.value, summary.auc.n) == (0.875, 4)
    assert summary.waits["read"].max_min == 3.0
    assert summary.waits["read"].mean_min == pytest.approx(0.6)
    assert summary.waits["imaging"].max_min == 0.0
    # 5 images of 6 minutes by two nurses, 5 readings of 4 by one reader, in 50 minutes
    assert summary.utilisation["nurse"].value == pytest.approx(0.3)
    assert summary.utilisation["reader"].value == pytest.approx(0.4)
    assert summary.utilisation["porter"].value == 0.0
    json.dumps(summary.as_dict(), allow_nan=False)


def test_without_ground_there_is_a_reason_and_no_number() -> None:
    summary = summarise([record(malignant=False, referred=False, p=0.2)], SCENARIO)
    for estimate in (summary.sensitivity, summary.ai_sensitivity, summary.auc):
        assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
        assert estimate.reason == "no malignant case"
    assert summarise([record(malignant=True, referred=True, p=0.2)], SCENARIO).auc.reason == (
        "no benign case"
    )
    rejected = summarise([record(malignant=True, referred=True, p=None)], SCENARIO)
    assert rejected.ai_sensitivity.value is None
    assert rejected.sensitivity.value == 1.0


def test_a_run_without_cases() -> None:
    summary = summarise([], SCENARIO)
    assert summary.waits["read"].mean_min is None
    assert summary.waits["read"].reason == "no case"
    assert summary.utilisation["nurse"].value is None
    assert summary.utilisation["nurse"].reason == "no time has passed"
    json.dumps(summary.as_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        # R. G. Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 1 - 0.1611, 1.0),
    ],
)
def test_wilson_interval(successes: int, n: int, low: float, high: float) -> None:
    assert wilson(successes, n) == pytest.approx((low, high), abs=5e-5)


@given(
    st.lists(st.integers(0, 8), min_size=1, max_size=12),
    st.lists(st.integers(0, 8), min_size=1, max_size=12),
)
def test_auc_is_the_share_of_pairs_in_order(ill: list[int], well: list[int]) -> None:
    pairs = [(i > w) + (i == w) / 2 for i in ill for w in well]
    assert auc(ill, well).value == pytest.approx(sum(pairs) / len(pairs))


def test_waits() -> None:
    result = waits([float(minutes) for minutes in range(101)])
    assert (result.n, result.mean_min, result.p50_min, result.p95_min, result.max_min) == (
        101,
        50.0,
        50.0,
        95.0,
        100.0,
    )
