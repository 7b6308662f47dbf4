"""Views of the twin over hand-made events, and over nothing at all."""

import asyncio

import pytest
from asked import asking, context_of
from followed import Followed, quick
from stack_logs import V0, V1

from services.api.app import create_app
from services.api.live import mirror_reader, moments
from services.api.live.history import History
from services.mirror import redis_mirror
from twin.events import (
    CaseArrived,
    CaseClosed,
    CaseRejected,
    ComponentChanged,
    DriftReported,
    DriftSignal,
    EpochReached,
    FeedbackReceived,
    StackOrdered,
    VerdictIssued,
)
from twin.images import FileRef
from twin.state import Record


@pytest.fixture
def followed(redis_url, prefix, monkeypatch):
    quick(monkeypatch)
    one = Followed(redis_url, prefix)
    yield one
    one.close()


def get(followed_or_history, *paths):
    """Ask for JSON."""
    history = getattr(followed_or_history, "history", followed_or_history)

    async def ask():
        if isinstance(followed_or_history, Followed):
            context = context_of(history, followed_or_history.url, followed_or_history.prefix)
        else:
            context = context_of(history)
        async with asking(context) as client:
            told = [await client.get(path) for path in paths]
        assert all(one.status_code == 200 for one in told), [one.text for one in told]
        return [one.json() for one in told]

    return asyncio.run(ask())


def records(*events):
    """Each event on its topic, one partition each."""
    ends = {}
    found = []
    for topic, event, sent_unix_ms in events:
        offset = ends.get(topic, 0)
        ends[topic] = offset + 1
        found.append(Record(topic, 0, offset, event, sent_unix_ms))
    return found


def arrived(case_id, at_min):
    image = FileRef(path="a.jpg", sha256="ab")
    return CaseArrived(case_id=case_id, at_min=at_min, image=image)


def answered(case_id, at_min, p_malignant, stack=0):
    return VerdictIssued(
        case_id=case_id,
        at_min=at_min,
        p_malignant=p_malignant,
        threshold=0.5,
        malignant=p_malignant >= 0.5,
        log_odds={"svm": 1.0, "knn": 2.0},
        model_id="m",
        stack=stack,
    )


def label(case_id, at_min, said):
    return FeedbackReceived(feedback_id=f"f-{case_id}", case_id=case_id, at_min=at_min, label=said)


def stem(state, restarts=0, images=0.0):
    return ComponentChanged(
        component="stem.1",
        at_unix_s=1e6,
        state=state,
        restarts=restarts,
        model_id="m",
        facts={"images": images},
    )


SIGNALS = tuple(
    DriftSignal(detector="kswin", stream=f"input.{n}", alarms=(1.0,) * n, value=0.0)
    for n in range(3)
)
LOG = records(
    ("stacks", V0, 0),
    ("components", stem("starting"), 0),
    ("cases", arrived("a", 10.0), 1_000),
    ("verdicts", answered("a", 10.0, 0.9), 1_200),
    ("components", stem("ready", images=40.0), 0),
    ("verdicts", answered("b", 20.0, 0.2), 2_050),  # before its case
    ("cases", arrived("b", 20.0), 2_000),
    ("cases", arrived("c", 29.0), 3_000),
    ("verdicts", CaseRejected(case_id="c", at_min=29.0, reason="no image"), 3_900),
    ("verdicts", answered("a", 10.0, 0.9), 4_000),  # once more
    ("cases", None, 0),
    ("feedback", label("a", 100.0, "malignant"), 0),
    ("feedback", label("b", 110.0, "malignant"), 0),
    (
        "cases",
        CaseClosed(
            case_id="a", at_min=59.0, referred=True, left_early=False, waits_min={"call": 4.0}
        ),
        0,
    ),
    (
        "cases",
        CaseClosed(
            case_id="b", at_min=61.0, referred=False, left_early=False, waits_min={"call": 2.0}
        ),
        0,
    ),
    ("stacks", EpochReached(at_min=1440.0, epoch=1, cases=3, feedback=2), 0),
    ("stacks", DriftReported(at_min=1440.0, epoch=1, cases=3, signals=SIGNALS), 0),
    ("stacks", StackOrdered(order_id="o", at_min=1441.0, version=0, by="me", reason="why"), 0),
    ("components", stem("ready", restarts=2, images=90.0), 0),
    ("stacks", V1, 0),
)
ALL = len(LOG)


@pytest.fixture
def whole(followed):
    for record in LOG:
        followed.fold([record])
    followed.catch_up()
    return followed


# --- nothing


def every_path():
    """Each path that can be read, about something that does not exist."""
    paths = create_app(context_of(History())).openapi()["paths"]
    for path, operations in paths.items():
        if "get" in operations and path not in ("/v1/events", "/v1/audit", "/v1/dead-letters"):
            for asked in ("", "?revision=0", "?at=1"):
                filled = path.replace("{version}", "0").replace("{", "").replace("}", "")
                yield filled + asked


@pytest.mark.parametrize("begun", [False, True])
def test_nothing_fails_while_nothing_is_known(followed, begun):
    if begun:
        followed.fold([])
        followed.catch_up()
    needed = {
        "/v1/twin/difference": "from=0",
        "/v1/twin/crossings": "of=stack.version&at_least=1",
        "/v1/stacks/difference": "a=0&b=0",
    }

    async def ask():
        context = context_of(followed.history, followed.url, followed.prefix)
        async with asking(context) as client:
            found = {}
            for path in every_path():
                bare, _, query = path.partition("?")
                more = "&".join(one for one in (query, needed.get(bare, "")) if one)
                found[path] = (await client.get(f"{bare}?{more}")).status_code
            return found

    found = asyncio.run(ask())
    # It is not ready; and this server was started without a desk for runs.
    desk = ("/v1/runs", "/v1/forecasts", "/v1/scenarios")
    for path, status in found.items():
        ready = path.startswith("/health/ready") and not begun
        assert status == 503 if ready else status < 500 or path.startswith(desk), path
    for path in ("/v1/twin", "/v1/components", "/v1/stacks", "/v1/drift", "/v1/cases"):
        assert found[path] == found[f"{path}?revision=0"] == 200
        assert found[f"{path}?at=1"] == 410
    for path in ("/v1/series", "/v1/performance", "/v1/twin/difference", "/v1/twin/crossings"):
        assert found[path] == 200


def test_a_twin_without_a_mirror_says_that_it_starts():
    (twin,) = get(History(), "/v1/twin")
    assert twin["state"] == "starting"
    assert twin["trouble"] == "the mirror was not read yet"
    assert twin["freshness_s"] is twin["heard_s_ago"] is twin["generation"] is None
    assert twin["revision"] == twin["behind"] == 0
    assert twin["degraded"] == [{"what": "mirror", "why": "the mirror was not read yet"}]
    assert twin["history"] == {
        "first_revision": 0,
        "last_revision": 0,
        "first_unix_s": None,
        "last_unix_s": None,
    }


def test_a_mirror_that_has_not_reached_the_end_of_the_log_is_being_built(followed):
    followed.fold(LOG[:5], complete=False)
    followed.catch_up()
    (twin,) = get(followed, "/v1/twin")
    assert twin["state"] == "rebuilding"
    assert twin["freshness_s"] is None
    followed.fold(LOG[5:])
    followed.catch_up()
    assert get(followed, "/v1/twin")[0]["state"] == "live"


# --- first crossings


@pytest.mark.parametrize(
    ("of", "at_least", "revision", "value", "id_"),
    [
        ("counts.verdicts", 2, 6, 2, "b"),
        ("counts.duplicates", 1, 10, 1, "a"),
        ("counts.invalid", 1, 11, 1, ""),
        ("counts.labels", 2, 13, 2, "b"),
        ("components.stem.1.images", 40.5, 19, 90.0, "stem.1"),
        ("components.stem.1.images", 40, 5, 40.0, "stem.1"),
        ("components.stem.1.restarts", 1, 19, 2.0, "stem.1"),
        ("stack.version", 0, 1, 0.0, "0"),
        ("stack.version", 1, 20, 1.0, "3"),
        ("drift.alarms", 3, 17, 3.0, "1"),
        ("verdict.p_malignant", 0.5, 4, 0.9, "a"),
        ("case.latency_ms", 50, 4, 200.0, "a"),
        ("case.latency_ms", 300, 9, 900.0, "c"),
    ],
)
def test_the_first_crossing_is_the_first(whole, of, at_least, revision, value, id_):
    (told,) = get(whole, f"/v1/twin/crossings?of={of}&at_least={at_least}")
    assert (told["crossed"], told["revision"], told["value"]) == (True, revision, value)
    assert told["id"] == id_
    assert told["folded_unix_s"] == whole.times_ms[revision - 1] / 1000
    assert told["since_revision"] == 0


@pytest.mark.parametrize("of", ["counts.verdicts", "stack.version", "case.latency_ms"])
def test_what_was_never_reached_was_not_crossed(whole, of):
    (told,) = get(whole, f"/v1/twin/crossings?of={of}&at_least=1000000")
    assert not told["crossed"]
    assert told["revision"] is told["value"] is told["id"] is told["event_min"] is None


def test_what_is_no_quantity_is_refused_and_others_are_named(whole):
    async def ask():
        async with asking(context_of(whole.history)) as client:
            paths = ("counts.x", "components.stem.images", "components", "stack", "")
            return [await client.get(f"/v1/twin/crossings?of={one}&at_least=1") for one in paths]

    for told in asyncio.run(ask()):
        assert told.status_code == 422
        assert "counts.NAME" in told.json()["detail"]


def test_what_was_so_before_all_that_is_kept_has_no_record(followed, monkeypatch):
    for module, name, few in (
        (moments, "KEPT", 1),
        (mirror_reader, "KEPT", 1),
        (redis_mirror, "CHANGES_KEPT", 1),
    ):
        monkeypatch.setattr(module, name, few)
    followed.fold(LOG)
    followed.catch_up()
    first = followed.history.moments.first
    assert first == ALL - 1
    for of in ("counts.verdicts", "stack.version"):
        told, no = get(
            followed,
            f"/v1/twin/crossings?of={of}&at_least=0",
            f"/v1/twin/crossings?of={of}&at_least=10",
        )
        assert (told["crossed"], told["revision"], told["id"]) == (True, first, None)
        assert told["folded_unix_s"] is None
        assert not no["crossed"]


# --- differences, series, performance


def test_the_difference_is_what_changed(whole):
    told, back, none, now = get(
        whole,
        "/v1/twin/difference?from=2&to=7",
        "/v1/twin/difference?from=7&to=2",
        "/v1/twin/difference?from=7&to=7",
        "/v1/twin/difference?from=5",
    )
    assert told == back
    assert (told["from_revision"], told["to_revision"]) == (2, 7)
    assert told["counts"] == {"cases": [0, 2], "verdicts": [0, 2]}
    assert told["components"] == {"stem.1": ["starting", "ready"]}
    assert told["stack"] == [0, 0]
    assert told["cases"] == {"answered": 3, "arrived": 1}
    assert none["counts"] == none["components"] == none["cases"] == {}
    assert now["to_revision"] == ALL
    assert now["restarts"] == {"stem.1": 2}
    assert now["stack"] == [0, 1]
    assert now["components"] == {}


def test_the_series_has_what_happened_in_each_bin(whole):
    fine, coarse = get(whole, "/v1/series?bin_min=15", "/v1/series")
    assert [one["from_min"] for one in fine["bins"]] == [0.0, 15.0, 45.0, 60.0, 90.0, 105.0]
    first, second = coarse["bins"]
    assert (first["from_min"], second["from_min"]) == (0.0, 60.0)
    assert {name: n for name, n in first.items() if n and name != "wait_min"} == {
        "arrivals": 3,
        "verdicts": 2,
        "flagged": 1,
        "rejected": 1,
        "closed": 1,
        "referred": 1,
    }
    assert first["wait_min"] == {"call": {"mean": 4.0, "p95": 4.0, "count": 1}}
    assert (second["closed"], second["referred"], second["labels"]) == (1, 0, 2)


def test_the_performance_is_that_of_labelled_cases(whole):
    (told,) = get(whole, "/v1/performance")
    assert told["labelled"] == 2
    assert told["confusion"] == {"tp": 1, "fp": 0, "tn": 0, "fn": 1}
    assert told["by_stack"] == {"0": told["confusion"]}
    assert told["sensitivity"]["value"] == 0.5
    assert told["sensitivity"]["low"] < 0.5 < told["sensitivity"]["high"]
    assert told["specificity"] is None
    assert told["ppv"]["of"] == told["npv"]["of"] == 1


def test_the_performance_of_another_state_of_the_same_revision_is_another(followed):
    followed.fold(LOG)
    followed.catch_up()
    context = context_of(followed.history)

    async def ask():
        async with asking(context) as client:
            return (await client.get("/v1/performance")).json()["labelled"]

    assert asyncio.run(ask()) == 2
    followed.wipe()
    followed.fold([Record("cases", 0, n, None) for n in range(ALL)])
    followed.catch_up()
    assert asyncio.run(ask()) == 0


# --- parts and cases


def test_a_case_of_which_a_part_is_older_than_all_that_is_kept_has_its_whole_journey(
    followed, monkeypatch
):
    monkeypatch.setattr(mirror_reader, "KEPT", 9)
    followed.fold(LOG)
    followed.catch_up()
    (told,) = get(followed, "/v1/cases/a")
    steps = {step["what"]: step["revision"] for step in told["journey"]}
    assert steps == {
        "CaseArrived": None,
        "VerdictIssued": None,
        "FeedbackReceived": 12,
        "CaseClosed": 14,
    }
    assert told["label"] == "malignant"
    # The stack that answered was announced before: its weights are known.
    learners = {one["name"]: one["weight"] for one in told["verdict"]["learners"]}
    assert learners == {"svm": 1.0, "knn": 0.5}


def test_event_time_in_the_past_is_that_of_then(whole):
    told = get(whole, *(f"/v1/twin?revision={n}" for n in (0, 3, 7, 13, 20)), "/v1/twin")
    last_min = 3 * 1440.0
    assert [one["event_time_min"] for one in told] == [0, 10, 20, 110, last_min, last_min]
    assert whole.history.latest_min == last_min


def test_latencies_and_rates_are_by_the_clocks_of_the_senders(whole):
    whole.now_s = 11.5
    (twin,) = get(whole, "/v1/twin")
    assert twin["latency_ms"] == {"p50": 200.0, "p95": 900.0, "p99": 900.0, "count": 3}
    # The last ten seconds, in whatever order they were folded.
    assert twin["per_s"] == {"cases": 0.2, "verdicts": 0.3}
    whole.now_s = 100.0
    (twin,) = get(whole, "/v1/twin")
    assert twin["latency_ms"] is None  # of the last minute there are none
    assert twin["per_s"] == {}


def test_orders_and_decisions_are_told_in_their_order(whole):
    (stacks,) = get(whole, "/v1/stacks")
    assert [one["version"] for one in stacks["versions"]] == [0, 1]
    assert [one["in_force"] for one in stacks["versions"]] == [False, True]
    assert [one["order_id"] for one in stacks["orders"]] == ["o"]
    both, first = get(whole, "/v1/stacks/difference?a=0&b=1", "/v1/stacks/0")
    assert both["threshold"] == [0.5, 0.4]
    assert both["intercept"] == [0.0, -0.5]
    assert both["weights"]["svm"] == [1.0, 0.5]
    assert not first["in_force"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "cba"),
        ("search=b", "b"),
        ("stage=closed", "ba"),
        ("stage=answered", "c"),
        ("malignant=true", "a"),
        ("malignant=false", "b"),
        ("rejected=true", "c"),
        ("rejected=false", "ba"),
        ("label=malignant", "ba"),
        ("label=benign", ""),
        ("label=none", "c"),
        ("stack=0", "ba"),
        ("stack=1", ""),
        ("limit=2", "cb"),
        ("after=b", "a"),
        ("after=a", ""),
        ("revision=3", "a"),
        ("revision=6&stage=unknown", ""),
        ("revision=6&stage=answered", "ba"),
        ("revision=7&label=none", "ba"),
    ],
)
def test_cases_are_searched_the_newest_first(whole, query, found):
    (told,) = get(whole, f"/v1/cases?{query}")
    # Of `b`, the verdict came first: it was heard of before `c`.
    assert "".join(one["case_id"] for one in told["cases"]) == found
    assert told["known"] == 3


def test_a_search_goes_on_where_the_page_before_ended(whole):
    first, second, third = "?limit=1", "?limit=1&after=c", "?limit=1&after=b"
    pages = get(whole, *(f"/v1/cases{one}" for one in (first, second, third)))
    assert [page["next"] for page in pages] == ["c", "b", "a"]
    assert [one["case_id"] for page in pages for one in page["cases"]] == ["c", "b", "a"]
