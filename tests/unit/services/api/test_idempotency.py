"""What is sent twice is done once; on a real Valkey."""

import asyncio
import json
import socket

import pytest
import redis
from fastapi import Response

from services.api.idempotency import REPLAYED, Attempt, Idempotency, digest_of
from services.api.problems import ProblemError

BODY = digest_of("/v1/things", {"a": 1})
OTHER = digest_of("/v1/things", {"a": 2})


@pytest.fixture
def store(redis_url, prefix):
    return Idempotency(redis_url, prefix, lease_ms=500)


class Things:
    """An action that counts how often it was done."""

    def __init__(self, wait_s: float = 0.0, plan: str | None = None, fails: bool = False):
        self.attempts: list[Attempt] = []
        self.wait_s, self.plan, self.fails = wait_s, plan, fails

    async def __call__(self, attempt: Attempt) -> Response:
        self.attempts.append(Attempt(attempt.seed, attempt.plan))
        if self.plan is not None and attempt.plan is None:
            await attempt.intend(self.plan)
        await asyncio.sleep(self.wait_s)
        if self.fails:
            raise ProblemError(503, "away")
        content = json.dumps({"number": len(self.attempts)})
        headers = {"ETag": '"c1"', "Location": "/v1/things/1"}
        return Response(content, 201, headers, media_type="application/json")


def test_the_same_key_and_content_get_the_first_answer_again(store):
    things = Things()
    first = asyncio.run(store.once("anna", "k", BODY, things))
    again = asyncio.run(store.once("anna", "k", BODY, things))
    assert len(things.attempts) == 1
    assert (again.status_code, bytes(again.body)) == (201, bytes(first.body))
    same = ("etag", "location", "content-type", "content-length")
    assert [again.headers[name] for name in same] == [first.headers[name] for name in same]
    assert (REPLAYED in first.headers, again.headers[REPLAYED]) == (False, "true")


def test_answers_are_kept_for_a_day_and_no_longer(store, redis_url, prefix):
    asyncio.run(store.once("anna", "k", BODY, Things()))
    with redis.Redis.from_url(redis_url) as client:
        (kept,) = client.keys(f"{prefix}:idem:anna:*")
        assert 86_000 < client.ttl(kept) <= 86_400


def test_another_content_under_a_used_key_is_refused(store):
    things = Things()
    asyncio.run(store.once("anna", "k", BODY, things))
    with pytest.raises(ProblemError) as caught:
        asyncio.run(store.once("anna", "k", OTHER, things))
    assert (caught.value.status, len(things.attempts)) == (422, 1)


def test_keys_are_their_principals_own_and_without_one_nothing_is_kept(store):
    things = Things()
    for who, key in (("anna", "k"), ("ben", "k"), ("anna", "l"), ("anna", None), ("anna", None)):
        asyncio.run(store.once(who, key, BODY, things))
    assert len({one.seed for one in things.attempts}) == 5


def test_of_two_at_once_one_runs_and_the_other_is_told_to_come_again(store):
    # Longer than a lease: it has to be renewed while its request runs.
    things = Things(wait_s=1.0)

    async def both() -> tuple[Response, ProblemError]:
        first = asyncio.create_task(store.once("anna", "k", BODY, things))
        await asyncio.sleep(0.75)
        with pytest.raises(ProblemError) as caught:
            await store.once("anna", "k", BODY, things)
        with pytest.raises(ProblemError) as other:
            await store.once("anna", "k", OTHER, things)
        assert other.value.status == 422
        return await first, caught.value

    answer, refusal = asyncio.run(both())
    assert (answer.status_code, len(things.attempts)) == (201, 1)
    assert (refusal.status, refusal.headers["Retry-After"]) == (409, "1")


def test_a_refusal_is_not_kept_and_its_key_is_free_for_what_is_right(store):
    things = Things(fails=True)
    with pytest.raises(ProblemError):
        asyncio.run(store.once("anna", "k", BODY, things))
    things.fails = False
    assert asyncio.run(store.once("anna", "k", OTHER, things)).status_code == 201


def test_what_may_have_been_done_is_done_the_same_way_again(store):
    things = Things(plan="event", fails=True)
    with pytest.raises(ProblemError):
        asyncio.run(store.once("anna", "k", BODY, things))
    with pytest.raises(ProblemError) as caught:  # and nothing else
        asyncio.run(store.once("anna", "k", OTHER, things))
    assert caught.value.status == 422
    things.fails = False
    asyncio.run(store.once("anna", "k", BODY, things))
    first, second = things.attempts
    assert (first.plan, second.plan, first.seed == second.seed) == (None, "event", True)


def test_after_a_crash_the_lease_ends_and_the_plan_is_met_again(store):
    async def crash() -> None:
        task = asyncio.create_task(store.once("anna", "k", BODY, Things(wait_s=9, plan="event")))
        await asyncio.sleep(0.1)
        task.cancel()

    asyncio.run(crash())
    things = Things()
    with pytest.raises(ProblemError) as caught:
        asyncio.run(store.once("anna", "k", BODY, things))
    assert caught.value.status == 409
    asyncio.run(asyncio.sleep(0.55))
    asyncio.run(store.once("anna", "k", BODY, things))
    assert things.attempts[0].plan == "event"


def test_a_lease_that_was_lost_writes_nothing(store, redis_url, prefix):
    async def lose(attempt: Attempt) -> Response:
        with redis.Redis.from_url(redis_url) as client:
            (lease,) = client.keys(f"{prefix}:idem:*:lease")
            client.set(lease, "somebody else")
        await attempt.intend("event")
        raise AssertionError("it went on")

    with pytest.raises(ProblemError, match="taken over"):
        asyncio.run(store.once("anna", "k", BODY, lose))


def test_without_redis_nothing_is_done(prefix):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        away = Idempotency(f"redis://127.0.0.1:{taken.getsockname()[1]}/0", prefix)
        things = Things()
        with pytest.raises(ProblemError) as caught:
            asyncio.run(away.once("anna", "k", BODY, things))
    assert (caught.value.status, things.attempts) == (503, [])
    assert "Retry-After" in caught.value.headers
