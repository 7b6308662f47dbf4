"""Metrics for Prometheus, and the dashboard that is drawn from them."""

import json
import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from stack_logs import V0

from services.api.live.change import Change
from services.api.live.history import Head, History, Snapshot
from services.api.metrics import Metrics
from twin.events import CaseArrived, ComponentChanged, DriftReported, DriftSignal, Estimate, Event
from twin.events import VerdictIssued as Verdict
from twin.images import FileRef
from twin.log import SCHEMA_OF, TOPIC_OF, encode
from twin.state import TwinState

DASHBOARD = json.loads(Path("services/api/grafana/dermtwin.json").read_text())
NOW_S = 1000.0
ARRIVED = CaseArrived(case_id="c1", at_min=0.0, image=FileRef(path="a", sha256="ab"))
VERDICT = Verdict(
    case_id="c1",
    at_min=0.0,
    p_malignant=0.5,
    threshold=0.5,
    malignant=True,
    log_odds={"knn": 0.0},
    model_id="m",
)
STEM = ComponentChanged(
    component="stem",
    at_unix_s=NOW_S,
    state="ready",
    restarts=2,
    model_id="m",
    facts={"latency_ms_p95": 12.5},
)
REPORT = DriftReported(
    at_min=0.0,
    epoch=1,
    cases=1,
    signals=(DriftSignal(detector="adwin", stream="loss", alarms=(1.0, 2.0), value=0.5),),
    estimates=(
        Estimate(metric="auc", value=0.9, low=None, high=None, valid=True, reason="assumed"),
    ),
)


def change(revision: int, event: Event, kind: str, id_: str, sent_ms: int, **deltas: int) -> Change:
    return Change(
        revision=revision,
        place=(TOPIC_OF[type(event)], 0),
        offset=revision,
        kind=kind,
        id=id_,
        stage="",
        changed=True,
        schema=SCHEMA_OF[type(event)],
        raw=encode(event),
        event=event,
        sent_unix_ms=sent_ms,
        folded_unix_ms=sent_ms,
        case_revision=1,
        before_min=0.0,
        deltas=deltas,
    )


def told() -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    history = History(clock=lambda: NOW_S)
    metrics = Metrics(history)
    head = Head(
        generation="g",
        revision=1,
        updated_unix_s=NOW_S,
        complete_unix_s=NOW_S - 0.25,
        behind={"cases": 3},
    )
    before = change(1, ARRIVED, "case", "c1", 900_000, cases=1)
    state = TwinState(counts={"cases": 1}, position={("cases", 0): 1})
    history.begin(Snapshot(head=head, state=state, changes=[before]))
    later = [
        change(2, VERDICT, "case", "c1", 900_200, verdicts=1),
        change(3, STEM, "component", "stem", 900_300),
        change(4, V0, "stacks", "0", 900_400),
        change(5, REPORT, "drift", "1", 900_500),
    ]
    history.take(later, head)
    metrics.note("GET", "/v1/twin", 200, 0.002)
    metrics.note("BREW", "/", 405, 0.002)
    families = text_string_to_metric_families(metrics.text().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_state_lag_health_stack_and_drift_are_told() -> None:
    found = told()
    assert found["dermtwin_revision", ()] == 5
    assert found["dermtwin_freshness_seconds", ()] == 0.25
    assert found["dermtwin_state", (("state", "live"),)] == 1
    assert found["dermtwin_lag_records", (("topic", "cases"),)] == 3
    assert found["dermtwin_events_total", (("what", "verdicts"),)] == 1
    assert found["dermtwin_component_health", (("component", "stem"), ("health", "well"))] == 1
    assert found["dermtwin_component_restarts", (("component", "stem"),)] == 2
    assert found["dermtwin_stack_version", ()] == 0
    assert found["dermtwin_drift_alarms", (("detector", "adwin"), ("stream", "loss"))] == 2
    assert found["dermtwin_drift_estimate", (("metric", "auc"), ("valid", "true"))] == 0.9


def test_a_latency_is_observed_when_its_answer_is_folded() -> None:
    found = told()
    assert found["dermtwin_answer_latency_seconds_count", ()] == 1
    assert found["dermtwin_answer_latency_seconds_sum", ()] == 0.2


def test_requests_are_counted_and_methods_are_bounded() -> None:
    found = told()
    assert found["dermtwin_http_requests_total", (("method", "GET"), ("status", "200"))] == 1
    assert found["dermtwin_http_requests_total", (("method", "other"), ("status", "405"))] == 1


def test_everything_on_the_dashboard_is_a_metric() -> None:
    known = {name for name, _ in told()}
    asked = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name in re.findall(r"dermtwin_\w+", target["expr"])
    }
    assert asked
    assert asked <= known
