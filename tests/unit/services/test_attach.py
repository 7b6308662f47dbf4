"""Runs that attach to a twin that is up: one digest, ids that never meet, notes for the page."""

from dataclasses import replace

import pytest
from attaching import DAY, LABELS, LOOP, LiveTwinInMemory, events_of, in_process, scenario
from samples import arrived, closed, rejected, verdict

from services.attach.route import AttachedRoute
from services.attach.survey import TOPICS, survey
from services.attach.tags import Tags, new_tag
from services.bus.bounds import MAX_CASE_ID
from services.bus.codec import decode
from services.mirror.records import record_of
from simulator.clinic.clocks import RealClock
from twin.errors import DependencyError, InvariantError
from twin.events import (
    CaseArrived,
    CaseClosed,
    FeedbackReceived,
    StackOrdered,
    StackPromoted,
    VerdictIssued,
)
from twin.log import digest


@pytest.fixture
def live():
    twin = LiveTwinInMemory()
    yield twin
    twin.stop()


@pytest.fixture
def looped():
    twin = LiveTwinInMemory(looped=True)
    yield twin
    twin.stop()


def on_log(twin: LiveTwinInMemory, *topics: str) -> list:
    reader = twin.bus.subscriber(topics or TOPICS, "onlooker")
    return [record_of(one).event for one in reader.poll(10_000, 0.0)]


def run(twin: LiveTwinInMemory, asked, speed=None) -> tuple[str, str, AttachedRoute]:
    with twin.attach(asked, speed) as way:
        known, outcome = events_of(asked, way)
    return digest(known), digest(outcome.log), way


@pytest.mark.parametrize(
    ("speed", "more"), [(None, {}), (None, {"feedback": LABELS}), (100.0, {"feedback": LABELS})]
)
def test_one_digest_wherever_on_the_live_log_a_run_begins(live, speed, more) -> None:
    asked = scenario(**more)
    expected = digest(in_process(asked))
    for number in range(2):
        seen, on_the_log, way = run(live, asked, speed)
        assert seen == on_the_log == expected
        assert way.registration.tags.offset_min == number * DAY
    assert sum(live.ticks) == 2 * way.registration.patients_done


def test_a_scenario_with_a_real_clock_keeps_it(live) -> None:
    """Its answers come when they come, so times differ; the log is what the engine saw."""
    asked = scenario(clock="real", speed=60_000, horizon="2 h")
    with live.attach(asked, 60_000.0) as way:
        assert isinstance(way.route.clock, RealClock)
        known, outcome = events_of(asked, way)
        assert way.route.clock.latencies
    assert digest(outcome.log) == digest(known)


def test_ids_of_two_runs_never_meet(live) -> None:
    tags = {run(live, scenario(feedback=LABELS))[2].registration.tags.begins for _ in range(2)}
    assert len(tags) == 2
    events = on_log(live)
    cases = [one.case_id for one in events if isinstance(one, CaseArrived)]
    messages = [one.feedback_id for one in events if isinstance(one, FeedbackReceived)]
    assert len(set(cases)) == len(cases) > 50
    assert len(set(messages)) == len(messages) > 30
    assert all(any(one.startswith(tag) for tag in tags) for one in (*cases, *messages))


def test_event_time_never_goes_backwards_from_run_to_run(live) -> None:
    live.bus.publisher().publish(arrived("somebody's", 3 * DAY + 0.25))
    run(live, scenario(), 100.0)
    cases = [one for one in on_log(live, "cases") if isinstance(one, CaseArrived)]
    ours = [one.at_min for one in cases if one.case_id != "somebody's"]
    assert len(ours) == len(cases) - 1 > 20
    assert 4 * DAY < min(ours) < max(ours) < 5 * DAY


@pytest.mark.parametrize(
    ("latest_min", "offset_min"), [(0.0, 0.0), (0.5, DAY), (DAY, DAY), (DAY + 1e-9, 2 * DAY)]
)
def test_a_run_begins_at_a_whole_day(live, latest_min: float, offset_min: float) -> None:
    live.bus.publisher().publish(replace(closed("c"), at_min=latest_min))
    found = survey(live.bus.subscriber(TOPICS, "x"))
    assert (found.offset_min, found.is_fresh) == (offset_min, False)
    assert sum(found.upto.values()) == 1


def test_a_log_with_version_0_alone_is_fresh(looped) -> None:
    assert survey(looped.bus.subscriber(TOPICS, "x")).is_fresh
    looped.bus.publisher().publish(arrived())
    assert not survey(looped.bus.subscriber(TOPICS, "x")).is_fresh


def test_bytes_that_are_no_event_do_not_stop_a_survey(live) -> None:
    live.bus.publisher().publish_raw("cases", "c", "CaseArrived/2", b"{", {})
    live.bus.publisher().publish(closed("c", at_min=7.0))
    assert survey(live.bus.subscriber(TOPICS, "x")).latest_min == 7.0


@pytest.mark.parametrize("speed", [None, 1e4])
def test_one_digest_where_the_stack_changes(looped, speed) -> None:
    asked = scenario(**LOOP)
    expected = in_process(asked, looped=True)
    assert [e.version for e in expected if isinstance(e, StackPromoted)] == [0, 1, 2]
    assert {e.stack for e in expected if isinstance(e, VerdictIssued)} == {0, 1, 2}
    seen, on_the_log, _ = run(looped, asked, speed)
    assert seen == on_the_log == digest(expected)


def test_somebodys_events_are_not_the_runs(live) -> None:
    """Neither cases nor labels of a user, even of the run's own cases, and no repeated answer."""
    asked = scenario(feedback=LABELS)
    publisher = live.bus.publisher()
    with live.attach(asked) as way:
        begins = way.registration.tags.begins
        publisher.publish(arrived("r0-000000"))
        known, _ = events_of(asked, way)
        answer = next(e for e in on_log(live, "verdicts") if e.case_id.startswith(begins))
        publisher.publish(answer)
        label = FeedbackReceived(
            feedback_id="f1", case_id=f"{begins}r0-000000", at_min=1.0, label="benign"
        )
        publisher.publish(label)
        told = [e for e in known if not isinstance(e, VerdictIssued)]
        assert digest(way.route.finish(told).log) == digest(known)
    assert digest(known) == digest(in_process(asked))


def test_an_order_of_somebodys_is_told(looped) -> None:
    asked = scenario(**LOOP)
    order = StackOrdered(order_id="o1", at_min=0.0, version=0, by="me", reason="")
    with looped.attach(asked) as way:
        looped.bus.publisher().publish(order)
        _, outcome = events_of(asked, way)
    assert "1 order(s)" in outcome.degraded[0]


@pytest.mark.parametrize(
    "stray",
    [
        lambda tags: tags.put(arrived("stray", 1.0)),
        lambda tags: tags.put(closed("stray")),
    ],
)
def test_an_event_of_the_run_that_the_engine_does_not_know_is_found_out(live, stray) -> None:
    with pytest.raises(InvariantError, match="live log"), live.attach(scenario()) as way:
        live.bus.publisher().publish(stray(way.registration.tags))
        events_of(scenario(), way)
    assert live.shelf.notes[-1]["state"] == "failed"


def test_an_answer_of_another_time_is_found_out() -> None:
    tags = Tags("t-1", 3 * DAY)
    sent = tags.put(arrived("c", 0.1))
    assert tags.take(replace(verdict("t-1.c"), at_min=sent.at_min), 0.1) == verdict("c", 0.1)
    assert tags.take(rejected("t-1.c", sent.at_min), 0.1) == rejected("c", 0.1)
    with pytest.raises(InvariantError, match="VerdictIssued at"):
        tags.take(verdict("t-1.c", sent.at_min + 1e-9), 0.1)


def test_event_times_come_back_that_subtraction_would_miss() -> None:
    tags = Tags("t", 123 * DAY)
    at_min = 0.1 + 0.2
    assert tags.put(arrived("c", at_min)).at_min - tags.offset_min != at_min
    assert tags.take(tags.put(closed("c", at_min)), at_min) == closed("c", at_min)


def test_a_tag_fits_into_an_id_however_long_the_name() -> None:
    tags = Tags(new_tag("a-" * 300 + "b"), 0.0)
    event = tags.put(arrived("r0-" + "c" * 60 + "-000001"))
    assert len(event.case_id) <= MAX_CASE_ID
    assert decode(
        "CaseClosed/1",
        b'{"case_id":"%s","at_min":1.0,"referred":true,'
        b'"left_early":false,"waits_min":{}}' % event.case_id.encode(),
    )


def test_the_page_is_told_how_far_the_run_is(live) -> None:
    shifts = [
        {"at": "1 h", "over": "2 h", "until": "4 h", "population": {"prevalence": 0.5}},
        {"id": "scope", "at": "2 h", "image": {"defocus": 3}},
    ]
    live.bus.publisher().publish(arrived("somebody's", 10.0))
    _, _, way = run(live, scenario(shifts=shifts), 300.0)
    notes = live.shelf.notes
    assert [one["state"] for one in (notes[0], notes[-2], notes[-1])] == [
        "running",
        "running",
        "done",
    ]
    done = [one["patients_done"] for one in notes]
    assert done == sorted(done)
    assert done[0] == 0 < done[len(done) // 2] < done[-1] == len(on_log(live, "verdicts")) - 1
    # An hour is 12 s on the wall: a note a second, and the ones of beginning and end.
    assert 60 <= len(notes) <= 90
    last = notes[-1]
    assert (last["name"], last["question"], last["tag"]) == (
        "small",
        "how long?",
        way.registration.tags.tag,
    )
    assert (last["offset_min"], last["horizon_min"], last["speed"]) == (DAY, 300.0, 300.0)
    assert last["patients_total"] == 35
    assert notes[0]["ended_unix_s"] is None
    assert last["ended_unix_s"] >= last["began_unix_s"] == notes[0]["began_unix_s"]
    assert last["shifts"] == [
        {"at_min": DAY + 60, "over_min": 120.0, "what": "shift-1: prevalence 50 %"},
        {"at_min": DAY + 240, "over_min": 120.0, "what": "shift-1 ends"},
        {"at_min": DAY + 120, "over_min": 0.0, "what": "scope: images: defocus 3"},
    ]


@pytest.mark.parametrize(
    ("error", "state"),
    [(KeyboardInterrupt(), "interrupted"), (DependencyError("gone"), "failed")],
)
def test_the_page_is_told_how_the_run_ended(live, error: BaseException, state: str) -> None:
    with pytest.raises(type(error)), live.attach(scenario()):
        raise error
    assert live.shelf.notes[-1]["state"] == state
    assert live.shelf.notes[-1]["ended_unix_s"] is not None


def test_nobody_waits_for_a_twin_that_has_ended(live) -> None:
    naps = live.wall.sleep

    def sleep(nap_s: float) -> None:
        naps(nap_s)
        if len(live.wall.naps) == 40:
            live.ended = DependencyError("the twin that was up has ended: process 1")

    live.wall.sleep = sleep
    with pytest.raises(DependencyError, match="has ended"):
        run(live, scenario(), 60.0)
    assert live.shelf.notes[-1]["state"] == "failed"
    assert len(live.wall.naps) < 50  # a second's worth, and not until the next patient


def test_a_broker_that_went_with_the_twin_is_not_blamed(live) -> None:
    with pytest.raises(DependencyError, match="has ended") as caught, live.attach(scenario()):
        live.ended = DependencyError("the twin that was up has ended: process 1")
        raise DependencyError("Kafka does not answer")
    assert "Kafka" in str(caught.value.__cause__)


def test_a_store_that_takes_no_notes_does_not_stop_the_run(live) -> None:
    def put(tag: str, note: str) -> None:
        raise DependencyError("Redis is away")

    live.shelf.put = put
    with live.attach(scenario()) as way:
        _, outcome = events_of(scenario(), way)
    assert "did not take" in outcome.degraded[0]


def test_a_case_that_nobody_answers_ends_the_run(live) -> None:
    with live.attach(scenario()) as way:
        link = way.route.link
        link._patience_s = 0.1
        link._at_min["c"] = 0.0
        with pytest.raises(DependencyError, match=r"has not answered case small-.*\.c for 0\.1 s"):
            link.answer("c")


def test_closings_come_on_the_log_between_arrivals_where_there_is_a_pace(live) -> None:
    run(live, scenario(), 100.0)
    came = [decode(schema, value) for schema, value in live.bus.came]
    sent = [one.at_min for one in came if isinstance(one, CaseArrived | CaseClosed)]
    assert sent == sorted(sent)
    places = [place for place, one in enumerate(came) if isinstance(one, CaseClosed)]
    assert places[0] < len(came) / 4  # and not behind all arrivals
