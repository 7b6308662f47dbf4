"""Every moment that can be asked for is the fold of the log up to there; all others are refused."""

import asyncio
import json
import random
import uuid

import pytest
import redis
from asked import asking, context_of
from event_strategies import logs
from followed import Fold, Followed, position_of, quick
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_logs import interleaved, random_log

from services.api.live import case_book, mirror_reader, moments
from services.api.moment import revision_of
from services.api.problems import ProblemError
from services.api.routes import cases as cases_routes
from services.mirror import redis_mirror
from twin.events import ComponentChanged
from twin.log import encode
from twin.state import SHELF_OF, TwinState, fold

SHELVES = sorted(set(SHELF_OF.values()))


@pytest.fixture
def followed(redis_url, prefix, monkeypatch):
    quick(monkeypatch)
    one = Followed(redis_url, prefix)
    yield one
    one.close()


def keep(monkeypatch, *, changes, cases=50_000):
    """Keep so few that much is let go of."""
    monkeypatch.setattr(moments, "KEPT", changes)
    monkeypatch.setattr(moments, "EVERY", 16)
    monkeypatch.setattr(moments, "_SLACK", 32)
    monkeypatch.setattr(mirror_reader, "KEPT", changes)
    monkeypatch.setattr(mirror_reader, "AT_ONCE", 40)
    monkeypatch.setattr(redis_mirror, "CHANGES_KEPT", changes)
    monkeypatch.setattr(case_book, "KEPT", cases)


def latest_min_of(state: TwinState) -> float:
    return max((event.at_min for event in state.of_record()), default=0.0)


def assert_is(history, revision, state):
    """What is known of a revision is what the fold says."""
    then = history.moments.at(revision)
    assert then.revision == revision
    assert {name: n for name, n in then.counts.items() if n} == {
        name: n for name, n in state.counts.items() if n
    }
    assert {place: at - 1 for place, at in then.upto.items() if at} == state.position
    assert then.components == state.components
    assert then.latest_min == latest_min_of(state)
    for shelf in SHELVES:
        assert history.shelf(shelf, revision) == getattr(state, shelf)
    for case_id in history.book.cases:
        assert history.book.at(case_id, revision) == state.cases.get(case_id), case_id


async def assert_told(client, query, state, case_id):
    """What is told of a moment is what the fold says."""
    twin = (await client.get(f"/v1/twin?{query}")).json()
    assert twin["position"] == position_of(state)
    assert {name: n for name, n in twin["counts"].items() if n} == {
        name: n for name, n in state.counts.items() if n
    }
    assert twin["event_time_min"] == latest_min_of(state)
    in_force = state.in_force
    assert (twin["stack"] or {}).get("version") == (in_force and in_force.version)
    told = await client.get(f"/v1/cases/{case_id}?{query}")
    assert_case(told, state.cases.get(case_id))
    return twin


def assert_case(told, case):
    if case is None:
        assert told.status_code == 404, told.text
        return
    assert told.status_code == 200, told.text
    body = told.json()
    assert body["revision"] == case.revision
    assert body["stage"] == case.stage.value
    events = [case.arrived, case.answer, case.closed, *case.feedback.values()]
    known = sorted(encode(event).decode() for event in events if event is not None)
    assert sorted(json_of(step["event"]) for step in body["journey"]) == known
    counts = case.settled().counts
    assert body["label"] == (counts.label if counts else None)


def json_of(event):
    return json.dumps(event, sort_keys=True, separators=(",", ":"))


async def assert_parts_told(client, query, state):
    known = (await client.get(f"/v1/components?{query}")).json()["components"]
    assert {one["name"]: one["state"] for one in known} == {
        name: one.state for name, one in state.components.items()
    }
    stacks = (await client.get(f"/v1/stacks?{query}")).json()
    assert {one["epoch"] for one in stacks["decisions"]} == set(state.stacks)
    assert {one["order_id"]: one["reason"] for one in stacks["orders"]} == {
        key: one.reason for key, one in state.orders.items()
    }
    drift = (await client.get(f"/v1/drift?{query}")).json()
    assert {one["epoch"] for one in drift["reports"]} == set(state.drift)


def test_a_thousand_random_moments_are_the_fold_of_the_log_up_to_there(followed):
    draw = random.Random(7)
    order = interleaved(random_log(7, 3_000), draw)
    at = 0
    while at < len(order):
        size = draw.choice([1, 3, 50, 150])
        followed.fold(order[at : at + size])
        at += size
        if draw.random() < 0.5:
            followed.step()
    followed.catch_up()
    history, times_ms = followed.history, followed.times_ms
    asked = []
    for number in range(1_000):
        if number % 2:
            revision = draw.randrange(len(order) + 1)
            asked.append((revision, f"revision={revision}"))
        else:
            at_s = draw.uniform(times_ms[0] / 1000, followed.now_s)
            revision = sum(one <= at_s * 1000 for one in times_ms)
            asked.append((revision, f"at={at_s!r}"))
    folded = Fold(order)

    async def ask():
        async with asking(context_of(history, followed.url, followed.prefix)) as client:
            for number, (revision, query) in enumerate(sorted(asked)):
                state = folded.at(revision)
                case_id = f"c{draw.randrange(1, len(state.cases) + 20)}"
                twin = await assert_told(client, query, state, case_id)
                assert twin["revision"] == twin["as_of"]["revision"] == revision
                if number % 10 == 0:
                    assert_is(history, revision, state)
                    await assert_parts_told(client, query, state)
                if number % 100 == 0:
                    # The position that is stated is all that one needs to know.
                    upto = twin["position"]
                    known = [
                        one
                        for one in order
                        if one.offset <= upto.get(f"{one.topic}/{one.partition}", -1)
                    ]
                    assert fold(known) == state

    asyncio.run(ask())


@pytest.mark.parametrize("seed", range(4))
def test_what_is_let_go_of_is_refused_and_nothing_is_told_wrongly(followed, monkeypatch, seed):
    draw = random.Random(seed)
    keep(monkeypatch, changes=draw.choice([60, 150]), cases=draw.choice([5, 40, 1_000]))
    log, wipes = random_log(seed, 400), 2
    order, at = interleaved(log, draw), 0
    seen = {"410": 0, "kept": 0, "older": 0}

    async def look():
        history = followed.history
        first, last = history.moments.first, history.revision
        async with asking(context_of(history, followed.url, followed.prefix)) as client:
            folded = Fold(followed.folded)
            for revision in sorted(draw.randrange(last + 3) for _ in range(8)):
                query = f"revision={revision}"
                if not first <= revision <= last:
                    status = 404 if revision > last else 410
                    for path in ("/v1/twin", "/v1/cases/c1", "/v1/cases", "/v1/stacks"):
                        assert (await client.get(f"{path}?{query}")).status_code == status
                    seen["410"] += status == 410
                    continue
                state = folded.at(revision)
                assert_is(history, revision, state)
                await assert_parts_told(client, query, state)
                for _ in range(3):
                    case_id = f"c{draw.randrange(1, 20 + len(state.cases))}"
                    await assert_told(client, query, state, case_id)
                    seen["older"] += case_id not in history.book.cases
                seen["kept"] += 1
            now = folded.at(last)
            for case_id, case in history.book.cases.items():
                assert case == now.cases[case_id]
            case_id = draw.choice(sorted(now.cases)) if now.cases else "c1"
            assert_case(await client.get(f"/v1/cases/{case_id}"), now.cases.get(case_id))

    while at < len(order):
        dice = draw.random()
        if dice < 0.80:
            size = draw.choice([1, 5, 30])
            followed.fold(order[at : at + size])
            at += size
            if draw.random() < 0.6:
                followed.step()
        elif dice < 0.90:
            followed.catch_up()
            asyncio.run(look())
        elif dice < 0.96:
            followed.restart()
        elif wipes:
            followed.wipe()
            order, at, wipes = interleaved(log, draw), 0, wipes - 1
    followed.catch_up()
    asyncio.run(look())
    followed.restart()
    followed.catch_up()
    asyncio.run(look())
    assert all(seen.values()), seen


def test_what_happens_while_a_history_begins_is_not_in_its_past(followed, monkeypatch):
    """Cases are read after the rest, and the mirror goes on meanwhile."""
    keep(monkeypatch, changes=60)
    draw = random.Random(3)
    order = interleaved(random_log(3, 600), draw)
    read = mirror_reader.MirrorReader.cases
    behind = order[300:]

    def overtaken(reader, *asked):
        followed.fold([behind.pop(0) for _ in range(25)])
        return read(reader, *asked)

    monkeypatch.setattr(mirror_reader.MirrorReader, "cases", overtaken)
    followed.fold(order[:300])
    for _ in range(3):
        followed.restart()
        followed.step()
        revision = followed.history.revision
        assert revision < len(followed.folded)
        assert_is(followed.history, revision, fold(followed.folded[:revision]))
    monkeypatch.undo()


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=logs(), data=st.data())
def test_short_logs_with_anything_in_them(redis_url, records, data):
    with pytest.MonkeyPatch.context() as monkeypatch:
        quick(monkeypatch)
        keep(monkeypatch, changes=data.draw(st.sampled_from([5, 100])))
        followed = Followed(redis_url, f"test-{uuid.uuid4().hex}")
        try:
            cut = data.draw(st.integers(0, len(records)))
            followed.fold(records[:cut])
            followed.catch_up()
            followed.fold(records[cut:])
            if data.draw(st.booleans()):
                followed.restart()
            followed.catch_up()
            history, folded = followed.history, Fold(records)
            for revision in range(history.moments.first, len(records) + 1):
                assert_is(history, revision, folded.at(revision))
        finally:
            followed.mirror.wipe()
            followed.close()


def test_a_redis_that_went_back_is_noticed_by_the_mirror_and_by_the_api(followed, redis_url):
    """It came back as it was a while ago: from its file."""
    order = interleaved(random_log(5, 200), random.Random(5))
    followed.fold(order[:100])
    with redis.Redis.from_url(redis_url) as client:
        kept = {key: client.dump(key) for key in client.scan_iter(f"{followed.prefix}:*")}
        followed.fold(order[100:150])
        followed.catch_up()
        client.delete(*client.scan_iter(f"{followed.prefix}:*"))
        for key, value in kept.items():
            client.restore(key, 0, value)
    del followed.folded[100:], followed.times_ms[100:]
    followed.catch_up()
    assert_is(followed.history, 100, fold(order[:100]))
    with pytest.raises(redis_mirror.DependencyError, match="lost its latest changes"):
        followed.mirror.apply(order[150:])
    again = interleaved(random_log(5, 200), random.Random(6))
    again = [one for one in again if one not in order[:100]]
    followed.fold(again)
    followed.catch_up()
    assert followed.history.state != "live" or followed.history.freshness_s < 1
    assert_is(followed.history, len(order), fold(order[:100] + again))


def test_a_revision_that_is_given_a_second_time_is_noticed(followed, monkeypatch):
    """The mirror was built again to the same revision between two looks at it."""
    log = random_log(5, 200)
    order, again = (interleaved(log, random.Random(seed)) for seed in (1, 2))
    followed.fold(order)
    followed.catch_up()
    generation = followed.history.head.generation
    followed.wipe()
    monkeypatch.setattr(redis_mirror.secrets, "token_hex", lambda _: generation)
    followed.fold(again)
    followed.catch_up()
    followed.step()
    followed.step()
    assert_is(followed.history, 50, fold(again[:50]))


def test_the_moment_before_the_first_is_refused_by_the_clock(followed):
    order = interleaved(random_log(5, 50), random.Random(5))
    followed.fold(order)
    followed.catch_up()
    first_s = followed.times_ms[0] / 1000
    assert revision_of(followed.history, None, first_s) == len(order)
    for at, status in ((first_s - 0.001, 410), (followed.now_s + 1, 404)):
        with pytest.raises(ProblemError) as caught:
            revision_of(followed.history, None, at)
        assert caught.value.status == status
    assert any(isinstance(one.event, ComponentChanged) for one in order)


def test_a_case_of_old_is_refused_while_the_mirror_is_away(followed, monkeypatch):
    keep(monkeypatch, changes=60, cases=5)
    followed.fold(interleaved(random_log(5, 300), random.Random(5)))
    followed.catch_up()
    old = next(one for one in fold(followed.folded).cases if one not in followed.history.book.cases)
    revision = followed.history.revision

    async def ask(redis_url):
        async with asking(context_of(followed.history, redis_url, followed.prefix)) as client:
            paths = (f"/v1/cases/{old}", f"/v1/cases/{old}?revision={revision}")
            return [(await client.get(path)).status_code for path in paths]

    assert asyncio.run(ask(followed.url)) == [200, 200]
    assert asyncio.run(ask("redis://127.0.0.1:1/0")) == [503, 503]


def test_the_past_of_a_case_of_old_waits_for_what_the_mirror_has_folded_since(
    followed, monkeypatch
):
    keep(monkeypatch, changes=60, cases=5)
    monkeypatch.setattr(cases_routes, "FOLD_WAIT_S", 0.01)
    order = interleaved(random_log(5, 300), random.Random(5))
    followed.fold(order[:250])
    followed.catch_up()
    state = fold(order[:250])
    old = next(one for one in state.cases if one not in followed.history.book.cases)
    followed.fold(order[250:])  # and nobody has told us of it

    async def ask():
        async with asking(context_of(followed.history, followed.url, followed.prefix)) as client:
            return await client.get(f"/v1/cases/{old}?revision=250")

    told = asyncio.run(ask())
    assert told.status_code == 503
    assert told.headers["Retry-After"]
    followed.catch_up()
    assert_case(asyncio.run(ask()), state.cases[old])
    followed.wipe()
    followed.fold([])
    assert asyncio.run(ask()).status_code == 503  # of another mirror than ours


def test_it_is_no_fresher_than_what_was_read_of_the_mirror(followed, monkeypatch):
    monkeypatch.setattr(mirror_reader, "AT_ONCE", 40)
    order = interleaved(random_log(5, 200), random.Random(5))
    followed.fold(order[:10])
    followed.catch_up()
    begun_s = followed.now_s
    followed.fold(order[10:])
    followed.step()
    assert followed.history.revision == 50
    assert followed.history.head.complete_unix_s == begun_s
    followed.catch_up()
    assert followed.history.head.complete_unix_s == followed.now_s


def test_what_came_after_a_case_of_old_was_read_is_no_part_of_its_past(followed, monkeypatch):
    keep(monkeypatch, changes=60, cases=5)
    order = interleaved(random_log(5, 300), random.Random(5))
    followed.fold(order[:250])
    followed.catch_up()
    context = context_of(followed.history, followed.url, followed.prefix)
    state, later = fold(order[:250]), fold(order)
    read = {one: context.older_case_then(one) for one in state.cases}
    followed.fold(order[250:])
    followed.catch_up()
    # Read by now, they would be others.
    old = [
        one
        for one, case in state.cases.items()
        if one not in followed.history.book.cases and later.cases[one] != case
    ]
    assert old
    context.older_case_then = read.__getitem__

    async def ask(case_id):
        async with asking(context) as client:
            return await client.get(f"/v1/cases/{case_id}?revision=250")

    for case_id in old:
        assert_case(asyncio.run(ask(case_id)), state.cases[case_id])
