"""Who is let in, with which credentials, how often, and from which pages."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from guarded import Guarded, guarded

from services.api.app import create_app
from services.api.security.access import Scope
from services.api.security.buckets import Buckets
from services.api.security.guards import ensure_guarded, paths_without_scope
from services.api.security.keys import FILE_NAME, create_key, revoke_key
from services.api.security.limits import Limits, Rate
from twin.errors import DataError, SettingsError

CASE = ("GET", "/v1/cases/c1")
EVIL = {"Origin": "https://evil.example"}


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path) as one:
        yield one


@pytest.fixture
def open_to_others(tmp_path: Path) -> Iterator[Guarded]:
    with guarded(tmp_path, host="0.0.0.0") as one:  # noqa: S104  nothing is bound here
        yield one


@pytest.mark.parametrize("url", ["http://localhost:8000", "http://127.0.0.1", "http://[::1]:80"])
def test_this_machine_needs_no_key(local: Guarded, url: str) -> None:
    assert local.ask(*CASE, url=url).json() == "c1"
    assert local.ask("POST", "/v1/orders", url=url, json={}).status_code == 200
    assert local.ask(*CASE, url=url, peer="::1").status_code == 200


@pytest.mark.parametrize(
    "otherwise",
    [
        {"url": "http://rebound.example:8000"},
        {"url": "http://localhost.evil.example"},
        {"peer": "192.0.2.7"},
        {"headers": {"X-Forwarded-For": "192.0.2.7"}},
        {"headers": {"Via": "1.1 proxy"}},
    ],
)
def test_who_only_seems_to_be_this_machine_needs_one(
    local: Guarded, otherwise: dict[str, str]
) -> None:
    answer = local.ask(*CASE, **otherwise)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dermtwin"'
    assert answer.headers["Content-Type"] == "application/problem+json"
    key = local.key(Scope.READ)
    assert local.ask(*CASE, key=key, **otherwise).status_code == 200  # type: ignore[arg-type]


def test_a_server_that_others_reach_trusts_no_address(open_to_others: Guarded) -> None:
    assert open_to_others.ask(*CASE).status_code == 401
    assert open_to_others.ask("GET", "/v1/unmarked").status_code == 401
    assert open_to_others.ask("GET", "/no-such-path").status_code == 401
    for public in ("/", "/health/live"):
        assert open_to_others.ask("GET", public, peer="192.0.2.7").json() == "public"


def test_a_key_is_good_for_its_scopes(open_to_others: Guarded) -> None:
    key = open_to_others.key(Scope.READ)
    assert open_to_others.ask(*CASE, key=key).status_code == 200
    assert open_to_others.ask(*CASE, headers={"X-API-Key": key}).status_code == 200
    answer = open_to_others.ask("POST", "/v1/cases", key=key)
    assert answer.status_code == 403
    assert answer.json()["missing_scope"] == "submit"
    assert open_to_others.ask("GET", "/v1/audit", key=key).json()["missing_scope"] == "operate"


def test_a_key_that_is_sent_is_checked_on_this_machine_too(local: Guarded) -> None:
    good = local.key(Scope.READ)
    for wrong in (
        "",
        "dt_",
        "nonsense",
        "dt_00000000_guess",
        good + "x",
        good[:-1],
        "dt_é_é",
        local.key(Scope.READ, now_unix_s=time.time() - 2 * 86_400),
    ):
        answer = local.ask(*CASE, headers={"Authorization": f"Bearer {wrong}".encode()})
        assert answer.status_code == 401, wrong
        assert "invalid_token" in answer.headers["WWW-Authenticate"]
    with_both = local.ask(*CASE, key=good, headers={"X-API-Key": good})
    assert with_both.status_code == 401
    assert local.ask(*CASE, headers={"Authorization": "Basic YTpi"}).status_code == 401


def test_a_key_is_refused_from_the_moment_it_is_revoked(open_to_others: Guarded) -> None:
    key = open_to_others.key(Scope.READ)
    assert open_to_others.ask(*CASE, key=key).status_code == 200
    revoke_key(open_to_others.home / FILE_NAME, key.split("_")[1])
    answer = open_to_others.ask(*CASE, key=key)
    assert (answer.status_code, answer.json()["detail"]) == (401, "the key is revoked")


def test_no_key_counts_while_their_file_is_spoilt(open_to_others: Guarded) -> None:
    key = open_to_others.key(Scope.READ)
    assert open_to_others.ask(*CASE, key=key).status_code == 200
    (open_to_others.home / FILE_NAME).write_text("{")
    for _ in range(2):
        answer = open_to_others.ask(*CASE, key=key)
        assert answer.status_code == 503
        assert str(open_to_others.home) not in answer.text
    assert open_to_others.lines("keys unusable")


@pytest.mark.parametrize("headers", [EVIL, {"Origin": "null"}, {"Origin": "http://localhost:3000"}])
def test_a_foreign_page_changes_nothing(local: Guarded, headers: dict[str, str]) -> None:
    assert local.ask("POST", "/v1/orders", json={}, headers=headers).status_code == 403
    ours = {"Origin": "http://localhost:8000"}
    assert local.ask("POST", "/v1/orders", json={}, headers=ours).status_code == 200


def test_a_foreign_page_reads_nothing_in_our_name(local: Guarded) -> None:
    across = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert local.ask(*CASE, headers=across).status_code == 403
    link = across | {"Sec-Fetch-Mode": "navigate"}
    assert local.ask(*CASE, headers=link).status_code == 200
    answer = local.ask(*CASE, headers=EVIL)
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_cors_opens_the_api_to_the_origins_named(tmp_path: Path) -> None:
    friend = {"Origin": "https://dashboard.example"}
    with guarded(tmp_path, cors=("https://dashboard.example",)) as one:
        preflight = friend | {
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,idempotency-key",
        }
        assert one.ask("OPTIONS", "/v1/cases", headers=preflight).status_code == 200
        answer = one.ask("POST", "/v1/orders", json={}, headers=friend)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "https://dashboard.example"
        assert one.ask("POST", "/v1/orders", json={}, headers=EVIL).status_code == 403
    for wrong in ("*", "dashboard.example", "https://dashboard.example/page"):
        with (
            pytest.raises(SettingsError, match="expected an origin"),
            guarded(tmp_path, cors=(wrong,)),
        ):
            pass


def test_rates_are_kept_for_each_who_asks(tmp_path: Path) -> None:
    slow = Rate(per_s=0.1, burst=3)
    with guarded(tmp_path, "0.0.0.0", Limits(reads=slow, submissions=slow)) as one:  # noqa: S104
        key, other = one.key(*Scope), one.key(*Scope)
        answers = one.ask_all([CASE] * 4, key=key)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[-1].headers["Content-Type"] == "application/problem+json"
        assert 9 <= int(answers[-1].headers["Retry-After"]) <= 10
        assert one.ask(*CASE, key=other).status_code == 200
        answers = one.ask_all([("POST", "/v1/cases")] * 4, key=key)
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        answers = one.ask_all([("GET", "/health/live")] * 9)
        assert {answer.status_code for answer in answers} == {200}


def test_wrong_keys_are_slowed_down_and_right_ones_are_not(open_to_others: Guarded) -> None:
    key = open_to_others.key(Scope.READ)
    wrong = open_to_others.ask_all([CASE] * 12, key="dt_00000000_guess", peer="192.0.2.7")
    assert [answer.status_code for answer in wrong] == [401] * 10 + [429] * 2
    assert 1 <= int(wrong[-1].headers["Retry-After"]) <= 6
    assert open_to_others.ask(*CASE, key=key, peer="192.0.2.7").status_code == 200
    again = open_to_others.ask(*CASE, key="dt_00000000_guess", peer="192.0.2.8")
    assert again.status_code == 401


def test_buckets_fill_with_time_and_are_forgotten_in_turn() -> None:
    now_s = 0.0
    buckets = Buckets(Rate(per_s=2, burst=2), most=3, clock=lambda: now_s)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0.5]
    now_s = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]
    for name in "bcd":
        buckets.take(name)
    assert len(buckets) == 3
    assert buckets.take("a") == 0  # forgotten, and so full again


def test_streams_have_slots(tmp_path: Path) -> None:
    from services.api.security.access import LOOPBACK, Principal
    from services.api.security.streams import NoSlotError, StreamSlots

    slots = StreamSlots(Limits(streams=3, streams_of_key=1))
    key = Principal("k", "", frozenset(Scope), "key")
    with slots.slot(key):
        with pytest.raises(NoSlotError) as error, slots.slot(key):
            pass
        assert error.value.args[0] == 429
        with slots.slot(LOOPBACK), slots.slot(LOOPBACK):
            with pytest.raises(NoSlotError) as error, slots.slot(LOOPBACK):
                pass
            assert error.value.args[0] == 503
    assert slots.open == 0


def test_other_machines_are_served_only_where_somebody_has_a_key(tmp_path: Path) -> None:
    file = tmp_path / FILE_NAME
    ensure_guarded("127.0.0.1", tmp_path)
    ensure_guarded("::1", tmp_path)
    with pytest.raises(SettingsError, match="dermtwin keys create"):
        ensure_guarded("0.0.0.0", tmp_path)  # noqa: S104
    create_key(file, "gone", frozenset({Scope.READ}), 1, now_unix_s=0)
    with pytest.raises(SettingsError, match="no key is valid"):
        ensure_guarded("192.0.2.1", tmp_path)
    create_key(file, "here", frozenset({Scope.READ}), 1)
    ensure_guarded("192.0.2.1", tmp_path)
    file.write_text("[]")
    with pytest.raises(DataError, match="no file of keys"):
        ensure_guarded("192.0.2.1", tmp_path)


def test_paths_that_forgot_their_scope_are_found(local: Guarded) -> None:
    assert paths_without_scope(local.app) == ["/v1/unmarked"]


def test_every_path_of_the_api_says_its_scope() -> None:
    context: Any = object()  # no path is asked
    assert paths_without_scope(create_app(context)) == []


def test_openapi_says_that_keys_are_optional_here(local: Guarded) -> None:
    operation = local.app.openapi()["paths"]["/v1/cases"]["post"]
    assert operation["security"] == [{"key": []}, {}]


def test_a_lookup_of_a_key_costs_no_file_read(open_to_others: Guarded) -> None:
    key = open_to_others.key(Scope.READ)
    book = open_to_others.guards.book
    first = book.keys()
    book.principal(key)
    assert book.keys() is first
    os.utime(book.file, ns=(0, 0))
    assert book.keys() is not first
