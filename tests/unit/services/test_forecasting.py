"""A fork of the log, and the command that projects it forward."""

import json
from pathlib import Path
from typing import Any

import pytest
from clinics import clinic, per_min
from forked_logs import arrival, closing, ran, told, verdict
from typer.testing import CliRunner

from services.cli import app
from services.commands import forecast as command
from services.forecast.attached import Attached, running
from services.forecast.forecasting import ForecastOrder, forecast
from services.forecast.fork import Fork, fork
from simulator.language.scenario import Scenario, load, resolved
from twin.errors import DataError, ScenarioError, SettingsError
from twin.events import CaseRejected, Event
from twin.log import line

DESK = clinic(arrivals=per_min(0.4), service={"exponential": {"mean": "2 min"}})
SEEN = """
name: seen
horizon: 8 h
cases: {source: synthetic}
arrivals: {rate_per_h: 6}
pathway:
  - {id: ai, twin: score, then: read}
  - {id: read, staff: reader, service: 4 min, then: end}
staff: {reader: 1}
"""


def project(start: Fork, scenario: Scenario = DESK, **fields: Any) -> dict[str, Any]:
    order = {"horizon_min": 60.0, "futures": 3, "seed": 1} | fields
    return forecast(ForecastOrder(scenario=scenario, **order), start)


def test_who_has_come_and_not_left_is_inside_with_the_answer_that_was_given() -> None:
    events: list[Event] = [
        arrival("r0-000001", 10.0),
        arrival("r0-000002", 20.0),
        arrival("r0-000003", 30.0),
        arrival("r0-urgent-000004", 40.0),
        arrival("r0-000005", 500.0),  # not yet
        verdict("r0-000001", 10.0),
        verdict("r0-000002", 20.0, 0.7, malignant=True),
        CaseRejected(case_id="r0-000003", at_min=30.0, reason="no image"),
        closing("r0-000001", 45.0, "read"),
        closing("r0-000002", 90.0),  # not yet
    ]
    start = fork(reversed(events), at_min=50.0, offset_min=8.0)
    second, third, fourth = start.opening.inside
    assert start.opening.at_min == 42.0
    assert (second.at_min, second.p_malignant, second.flagged) == (12.0, 0.7, True)
    assert (third.answered, third.rejected, third.p_malignant) == (True, "no image", None)
    assert (fourth.answered, fourth.patient_class) == (False, "urgent")
    [gone] = start.opening.gone
    assert (gone.at_min, gone.closed_min, gone.nodes) == (2.0, 37.0, frozenset({"read"}))


def test_the_time_is_that_of_the_latest_arrival_or_closing_and_says_which() -> None:
    came, left = [arrival("a", 10.0), arrival("b", 700.0)], closing("a", 300.0)
    assert (fork([*came, left]).t0_min, fork([*came, left]).t0_is) == (700.0, "latest arrival")
    later = fork([*came, left, closing("b", 900.0)])
    assert (later.t0_min, later.t0_is, len(later.opening.inside)) == (900.0, "latest closing", 0)
    # A virtual clock sends cases ahead: they have not come.
    ahead = fork([*came, left], virtual=True)
    assert (ahead.t0_min, len(ahead.opening.inside)) == (300.0, 0)
    assert fork([], offset_min=1440.0).t0_min == 1440.0
    assert "empty clinic" in fork([]).degraded[-1]
    [doubt] = fork([arrival("a", 1.0), arrival("b", 9000.0), closing("a", 2.0)]).degraded
    assert "sends cases ahead" in doubt


def test_cases_of_others_than_the_attached_run_are_left_out_and_counted() -> None:
    start = fork([arrival("t1.r0-000001", 10.0), arrival("upload-7", 20.0)], begins="t1.")
    assert (start.t0_min, len(start.opening.inside), start.left_out) == (10.0, 1, 1)
    assert "1 cases of others than the attached run are left out" in project(start)["degraded"]


def test_a_time_before_the_scenario_began_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"--at-min='5'.*before the scenario's time zero, 10"):
        fork([arrival("a", 20.0)], at_min=5.0, offset_min=10.0)
    with pytest.raises(SettingsError, match="--offset-min='30'"):
        fork([arrival("a", 20.0)], offset_min=30.0)


def test_of_the_attached_runs_the_latest_that_is_under_way_counts() -> None:
    def note(began: float, **more: object) -> bytes:
        known = {"name": "n", "offset_min": began, "began_unix_s": began, "speed": 60.0}
        return json.dumps(known | {"state": "running", "updated_unix_s": 100.0} | more).encode()

    notes = {
        "a": note(1.0),
        "b": note(2.0),
        "c": note(3.0, state="done"),
        "d": note(4.0, updated_unix_s=10.0),  # was killed
    }
    latest = Attached(begins="b.", name="n", offset_min=2.0)
    assert running("p:attached", notes, 101.0) == latest
    fast = running("p:attached", {"a": note(1.0, speed=None)}, 101.0)
    assert fast is not None and fast.virtual
    assert running("p:attached", {}, 101.0) is None
    with pytest.raises(DataError, match="p:attached e"):
        running("p:attached", {"e": b"{}"}, 101.0)


def test_a_forecast_tells_what_it_starts_from_and_joins_what_was() -> None:
    journal = ran(DESK)
    start = fork(told(DESK, journal), at_min=500.0)
    arrived, closed = (journal.patients.column(name) for name in ("arrival_min", "closed_min"))

    def inside(at_min: float) -> int:
        return int(((arrived <= at_min) & ~(closed <= at_min)).sum())

    result = project(start, horizon_min=30.0, futures=20)
    assert result["start"] == {
        "in_system": inside(500.0),
        "answered": 0,
        "unanswered": inside(500.0),
        "by_node": {"desk": inside(500.0)},
    }
    assert result["bins_min"] == [501.0 + place for place in range(30)]
    assert result["history"]["bins_min"] == [471.0 + place for place in range(30)]
    assert result["history"]["in_system"] == [inside(471.0 + place) for place in range(30)]
    assert sum(result["history"]["arrivals"]) == ((arrived > 470) & (arrived <= 500)).sum()
    assert {"in_system", "arrivals", "departures", "queue.desk"} <= result["series"].keys()
    band = result["series"]["in_system"]
    assert list(band) == ["p05", "p25", "p50", "p75", "p95"]
    assert all(list(point) == sorted(point) for point in zip(*band.values(), strict=True))
    mean = result["metrics"]
    moved = mean["arrivals"]["mean"] - mean["departures"]["mean"]
    assert mean["in_system.end"]["mean"] == pytest.approx(inside(500.0) + moved, abs=1e-3)
    again = project(start, horizon_min=30.0, futures=20)
    assert result | {"wall_s": 0} == again | {"wall_s": 0}
    assert not result["degraded"]


def test_image_scenarios_draw_answers_from_the_log_and_say_so_if_there_are_too_few() -> None:
    scenario = load(SEEN, "seen.yaml")
    events: list[Event] = []
    for place in range(60):
        name = f"r0-{place:06d}"
        events += [arrival(name, place * 10.0), verdict(name, place * 10.0)]
    many, few = project(fork(events), scenario), project(fork(events[:60]), scenario)
    assert any("latest 60, and their truth" in words for words in many["assumptions"])
    assert not any("too few answers" in words for words in many["degraded"])
    assert any("too few answers" in words for words in few["degraded"])
    # Nobody has left since: all 60 wait in the queue behind the AI.
    assert many["start"]["by_node"] == {"read": 60.0}
    assert any("3 futures" in words and "cover 50%" in words for words in many["degraded"])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    (tmp_path / "desk.yaml").write_text(resolved(DESK))
    events = told(DESK, ran(DESK))
    (tmp_path / "events.jsonl").write_bytes(b"".join(line(event) for event in events))
    return tmp_path


def ask(files: Path, *more: str) -> Any:
    given = ["forecast", str(files / "desk.yaml"), "--out", str(files / "out"), *more]
    with pytest.MonkeyPatch.context() as patched:
        # It would take standard output away from all tests that come after.
        patched.setattr("services.cli.claim_standard_output", lambda: None)
        return CliRunner().invoke(app, given)


def test_the_command_writes_forecast_page_and_progress(files: Path) -> None:
    log = ["--from-log", str(files / "events.jsonl")]
    done = ask(files, *log, "--at-min", "300", "--horizon", "2 h", "--futures", "4")
    assert done.exit_code == 0, done.output
    result = json.loads((files / "out" / "forecast.json").read_text())
    assert (result["scenario"], result["t0_min"], result["horizon_min"]) == ("clinic", 300.0, 120.0)
    assert json.loads((files / "out" / "progress.json").read_text()) == {
        "stage": "done",
        "done": 4,
        "total": 4,
    }
    page = (files / "out" / "forecast.html").read_text()
    assert "queue.desk" in page and "What is assumed" in page


def test_without_a_log_file_the_twin_that_is_up_is_forked(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Log:
        def events(self, *topics: str) -> list[Event]:
            assert topics == ("cases", "verdicts")
            return [arrival("t1.r0-000001", 1500.0), arrival("upload-1", 9000.0)]

        def __enter__(self) -> "Log":
            return self

        def __exit__(self, *_: object) -> None: ...

    run = Attached(begins="t1.", name="other", offset_min=1440.0)
    monkeypatch.setattr("services.live_log.live_log", lambda _: Log())
    monkeypatch.setattr("services.forecast.attached.attached_run", lambda _: run)
    assert ask(files, "--futures", "2").exit_code == 0
    result = json.loads((files / "out" / "forecast.json").read_text())
    assert (result["t0_min"], result["offset_min"]) == (1500.0, 1440.0)
    assert result["start"]["in_system"] == 1
    assert "the run that is attached is other: its patients go on in clinic" in result["degraded"]


def test_what_was_interrupted_or_failed_says_so_in_progress(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stage() -> str:
        return str(json.loads((files / "out" / "progress.json").read_text())["stage"])

    refused = ask(files, "--from-log", str(files / "desk.yaml"))
    assert isinstance(refused.exception, DataError) and stage() == "failed"
    assert "desk.yaml: line 1" in str(refused.exception)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_start", interrupt)
    assert ask(files).exit_code == 130 and stage() == "interrupted"
    assert not (files / "out" / "forecast.json").exists()


@pytest.mark.parametrize("horizon", ["3", "0 h", "soon"])
def test_a_horizon_that_is_none_is_named(files: Path, horizon: str) -> None:
    refused = ask(files, "--horizon", horizon)
    assert isinstance(refused.exception, SettingsError)
    assert f"--horizon='{horizon}'" in str(refused.exception)


def test_a_queue_that_would_grow_without_end_can_be_asked_about(files: Path) -> None:
    log = ["--from-log", str(files / "events.jsonl"), "--futures", "2"]
    done = ask(files, *log, "--set", "arrivals.rate_per_h=60")  # twice what one server can do
    assert done.exit_code == 0, done.output


def test_overrides_and_what_is_wrong_with_them_are_the_scenarios(files: Path) -> None:
    refused = ask(files, "--set", "staff.server=-1")
    assert isinstance(refused.exception, ScenarioError)
    assert "staff.server" in str(refused.exception)
