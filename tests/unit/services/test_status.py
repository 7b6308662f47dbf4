"""The status: which stack is in force, what became of labels, what drifts, and how fresh it is."""

import json
from collections.abc import Iterable
from dataclasses import replace
from io import StringIO
from typing import Any

from rich.console import Console
from stack_logs import DAY, REFUSED, V0, V1, V2, VERDICTS

from services.commands.status_table import status_table
from services.mirror.overview import Overview
from services.status import status_of
from twin.events import (
    CaseArrived,
    ComponentChanged,
    DriftReported,
    DriftSignal,
    EpochReached,
    Estimate,
    Event,
    FeedbackReceived,
    StackOrdered,
)
from twin.images import BlobRef
from twin.state import Record, fold


def told(events: Iterable[Event], **news_unix_s: float) -> dict[str, Any]:
    state = fold(Record("log", 0, place, event) for place, event in enumerate(events))
    return status_of(Overview(state, 990.0, news_unix_s), 1000.0)


def shown(result: dict[str, Any]) -> str:
    stream = StringIO()
    console = Console(file=stream, width=400)
    console.print(status_table({"prefix": "p", **json.loads(json.dumps(result))}))
    return stream.getvalue()


def feedback(feedback_id: str, case_id: str, label: str = "benign", **more: Any) -> Event:
    return FeedbackReceived(
        feedback_id=feedback_id, case_id=case_id, at_min=9 * DAY, label=label, **more
    )


def arrived(case_id: str) -> Event:
    return CaseArrived(case_id=case_id, at_min=1.0, image=BlobRef(sha256=case_id))


def epoch(number: int) -> Event:
    return EpochReached(at_min=number * DAY, epoch=number, cases=0, feedback=0)


def test_labels_that_cannot_be_used_are_shown_with_their_reason_and_count() -> None:
    again = [feedback(f"d{number}", "c2", way="sampled") for number in range(1000)]
    redelivered = feedback("d0", "c2", way="sampled")
    result = told(
        [
            *(arrived(f"c{number}") for number in (1, 2, 3, 8)),
            *VERDICTS[:3],
            feedback("a", "c1", "malignant"),
            *again,
            *[redelivered] * 7,
            feedback("x", "nobody"),
            feedback("y", "c3", "melanom"),
            feedback("z", "c8"),  # has no verdict yet
        ]
    )
    labels = result["labels"]
    assert labels["messages"] == 1004
    assert labels["counted"] == 2
    assert labels["apart"] == {
        "unknown case": 1,
        "unknown class": 1,
        "before its verdict": 1,
        "duplicate": 999,
    }
    assert (labels["waiting_for_verdict"], labels["delivered_again"]) == (1, 7)
    text = shown(result)
    assert "2 count, of 1004 messages; kept apart: 1 unknown case, 1 unknown class" in text
    assert "1 before its verdict, 999 duplicate; 7 events of all kinds were delivered" in text


def test_the_stack_in_force_says_where_it_came_from_and_since_when() -> None:
    result = told([V0, V1, V2, REFUSED, epoch(4), epoch(5), epoch(6)], stacks=940.0)
    stack = result["stack"]
    assert (stack["version"], stack["how"], stack["parent"]) == (2, "rollback", 1)
    assert (stack["since_min"], stack["restores"]) == (5 * DAY, 0)
    assert result["epochs"]["reached"] == 6
    assert result["epochs"]["undecided"] == [6]
    assert result["epochs"]["last_decision"]["decision"] == "rolled back"
    assert result["news_s_ago"] == {"stacks": 60.0}
    assert result["age_s"] == 10.0
    text = shown(result)
    assert "version 2 (rollback from version 1, weights of version 0) since day 5" in text
    assert "by order (last news 60 s ago)" in text
    assert "6 reached, at day 6; not decided yet: 6" in text


def test_a_twin_that_never_re_stacks_says_so() -> None:
    result = told([arrived("c1")])
    assert (result["stack"], result["drift"]) == (None, None)
    assert "nothing is re-stacked" in shown(result)
    assert "none came back yet" in shown(result)


def test_an_order_stands_until_an_epoch_after_it_is_decided() -> None:
    order = StackOrdered(order_id="o", at_min=4.5 * DAY, version=0, by="[me]", reason="worse")
    standing = told([V0, V1, order, epoch(5)])["epochs"]["orders"]
    assert [one["carried_out_at_epoch"] for one in standing] == [None]
    done = told([V0, V1, order, epoch(5), V2])
    assert done["epochs"]["orders"][0]["carried_out_at_epoch"] == 5
    assert "version 0 by [me] at day 4.5, answered at epoch 5" in shown(done)


def test_the_last_drift_report_is_told_by_family_with_what_is_to_be_trusted() -> None:
    signals = (
        DriftSignal(detector="adwin", stream="input.0", alarms=(10.0, 30.0), value=1.0),
        DriftSignal(detector="kswin", stream="input.1", alarms=(20.0,), value=1.0),
        DriftSignal(detector="adwin", stream="score.svm", alarms=(), value=0.0),
        DriftSignal(detector="energy", stream="cases", alarms=(), value=3.0, p_value=0.004),
    )
    estimates = (
        Estimate(metric="accuracy", value=0.8, low=0.7, high=0.9, valid=True, reason="assumes X"),
        Estimate(
            metric="sensitivity", value=None, low=None, high=None, valid=False, reason="few cases"
        ),
    )
    report = DriftReported(at_min=2 * DAY, epoch=2, cases=50, signals=signals, estimates=estimates)
    before = replace(report, at_min=DAY, epoch=1, estimates=())
    drift = (result := told([report, before]))["drift"]
    assert (drift["epoch"], drift["cases"], drift["alarms_before"]) == (2, 50, 3)
    inputs = drift["families"]["input"]
    assert (inputs["streams"], inputs["alarms"]) == (2, 3)
    assert inputs["raised_by"][0] == {"detector": "adwin", "stream": "input.0", "last_min": 30.0}
    assert drift["families"]["score"]["alarms"] == 0
    assert drift["families"]["cases"]["p_value"] == 0.004
    text = shown(result)
    assert "input: 3 alarms on 2 streams (adwin on input.0, kswin on input.1)" in text
    assert "0.700 to 0.900" in text
    assert "no: few cases" in text


def component(name: str, age_s: float, **more: Any) -> Event:
    return ComponentChanged(
        **{"state": "ready", "restarts": 0, "model_id": "m"} | more,
        component=name,
        at_unix_s=1000.0 - age_s,
    )


def test_components_are_shown_with_health_speed_and_errors() -> None:
    figures = {"images": 640.0, "images_per_s": 31.96, "latency_ms_p95": 1234.56, "errors": 2.0}
    result = told(
        [
            component("stem", 1.0, facts=figures, last_input="64 images", last_output="64 rows"),
            component("worker", 90.0, facts={"cases": 638.0, "cases_per_s": 0.0, "errors": 0.0}),
            component("knn", 1.0, state="failed", reason="[killed]"),
        ]
    )
    stem = result["components"]["stem"]
    assert (stem["health"], stem["latency_ms_p95"]) == ("well", 1234.56)
    assert (stem["last_input"], stem["last_output"]) == ("64 images", "64 rows")
    text = shown(result)
    rows = [[cell.strip() for cell in row.split("│")[1:-1]] for row in text.splitlines()]
    cells = {row[0]: row[1:] for row in rows if len(row) == 9}
    assert cells["stem"] == ["well", "ready", "0", "640 images", "32.0", "1234.6 ms", "2", ""]
    assert cells["worker"][:1] + cells["worker"][3:] == [
        "silent",
        "638 cases",
        "0.0",
        "-",
        "0",
        "no news for 90 s; was ready",
    ]
    assert cells["knn"] == ["down", "failed", "0", "-", "-", "-", "-", "failed: [killed]"]
