"""The audit log: what is in it, what a flood does to it, and how it is read."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from guarded import guarded

from services.api.security.access import Scope
from services.api.security.audit_file import AuditFile
from services.api.security.audit_trail import FILE_NAME, AuditTrail
from services.api.security.envelope import Exchange
from services.api.security.refusals import WINDOW_S, Refusals
from services.logs import open_log


def exchange(**more: Any) -> Exchange:
    plain: dict[str, Any] = {
        "at_unix_s": 1_000.0,
        "request_id": "r",
        "principal": None,
        "via": None,
        "peer": "192.0.2.7",
        "method": "GET",
        "path": "/v1/cases/c1",
        "about": "c1",
        "status": 401,
        "duration_ms": 1.0,
    }
    return Exchange(**(plain | more))


def test_changes_and_refusals_are_on_record_and_reads_are_not(tmp_path: Path) -> None:
    with guarded(tmp_path) as one:
        one.ask("GET", "/v1/cases/c1")
        one.ask("POST", "/v1/cases", headers={"X-Request-Id": "mine"})
        one.ask("GET", "/v1/cases/c2", peer="192.0.2.7")
        one.ask("POST", "/v1/cases", key=one.key(Scope.READ))
        one.guards.trail.settle()
        answer = one.ask("GET", "/v1/audit")
    file = tmp_path / FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    denied, unknown, change = answer.json()["entries"]
    assert {
        key: change[key] for key in change if key != "at_unix_s" and change[key] is not None
    } == {
        "n": 1,
        "kind": "request",
        "principal": "loopback",
        "via": "loopback",
        "peer": "127.0.0.1",
        "method": "POST",
        "path": "/v1/cases",
        "about": "c000017",
        "status": 200,
        "request_id": "mine",
    }
    assert (unknown["kind"], unknown["status"], unknown["principal"]) == ("refused", 401, None)
    assert (denied["status"], denied["via"]) == (403, "key")
    assert len(file.read_text().splitlines()) == 3


def test_the_log_is_read_in_pages(tmp_path: Path) -> None:
    with guarded(tmp_path) as one:
        one.ask_all([("POST", "/v1/cases")] * 5)
        one.guards.trail.settle()
        first = one.ask("GET", "/v1/audit?limit=2").json()
        second = one.ask("GET", f"/v1/audit?limit=2&before={first['before']}").json()
        last = one.ask("GET", f"/v1/audit?limit=2&before={second['before']}").json()
        assert one.ask("GET", "/v1/audit?limit=0").status_code == 422
    pages = [[entry["n"] for entry in page["entries"]] for page in (first, second, last)]
    assert pages == [[5, 4], [3, 2], [1]]
    assert last["before"] is None


def test_files_are_bounded_and_read_across(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "a", most_bytes=1_000, files=3)
    for i in range(200):
        file.append({"text": "x" * (i % 50)})
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a", "a.1", "a.2"]
    assert all(one.stat().st_size <= 1_000 for one in tmp_path.iterdir())
    kept = [entry["n"] for entry in file.newest_first()]
    assert kept == list(range(200, kept[-1] - 1, -1))
    for before in (*range(kept[-1], 202), 1, 10_000):
        found = [entry["n"] for entry in file.page(before, 5)]
        assert found == [n for n in kept if n < before][:5]
    again = AuditFile(tmp_path / "a", most_bytes=1_000, files=3)
    again.append({})
    assert again.page(None, 1)[0]["n"] == 201


def test_long_lines_and_cut_off_ones_do_no_harm(tmp_path: Path) -> None:
    file = AuditFile(tmp_path / "a", most_bytes=10_000_000, files=2)
    for i in range(5):
        file.append({"text": "x" * 100_000 * (i % 2)})
    with (tmp_path / "a").open("a") as stream:
        stream.write('{"n":6,"te')
    file.append({})
    assert [entry["n"] for entry in file.newest_first()] == [6, 5, 4, 3, 2, 1]
    assert [entry["n"] for entry in file.page(4, 9)] == [3, 2, 1]


def test_a_flood_of_refusals_is_summed_up(tmp_path: Path) -> None:
    trail = AuditTrail(tmp_path / "a", open_log(io.StringIO()))
    now_unix_s = time.time()
    for _ in range(5_000):
        trail(exchange(at_unix_s=now_unix_s))
    for i in range(5_000):
        peer = f"10.0.{i // 250}.{i % 250}"
        trail(exchange(at_unix_s=now_unix_s, peer=peer, status=429))
    trail(exchange(principal="k", via="key", method="POST", status=202))
    trail.close()
    lines = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    refused = [line for line in lines if line["kind"] == "refused"]
    sums = [line for line in lines if line["kind"] == "refusals"]
    assert len(lines) < 500
    assert len(refused) + sum(line["count"] for line in sums) == 10_000
    assert {(line["peer"], line["count"]) for line in sums} >= {("192.0.2.7", 4_980)}
    assert sum(line["kind"] == "request" for line in lines) == 1


def test_each_window_begins_anew() -> None:
    refusals = Refusals()
    written = [refusals.is_written(exchange(at_unix_s=float(i))) for i in range(30)]
    assert written == [True] * 20 + [False] * 10
    assert refusals.summed_up(WINDOW_S - 1) == []
    (line,) = refusals.summed_up(WINDOW_S)
    assert (line["count"], line["since_unix_s"], line["at_unix_s"]) == (10, 20.0, 29.0)
    assert refusals.is_written(exchange())


def test_what_cannot_be_written_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    logged = io.StringIO()
    trail = AuditTrail(tmp_path / "a", open_log(logged))
    appended = AuditFile.append

    def full(self: AuditFile, entry: dict[str, Any]) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(AuditFile, "append", full)
    trail(exchange(method="POST", status=202, principal="k"))
    trail.settle()
    monkeypatch.setattr(AuditFile, "append", appended)
    trail(exchange(method="POST", status=202, principal="k"))
    trail.close()
    lost, kept = [json.loads(line) for line in (tmp_path / "a").read_text().splitlines()]
    assert (lost["kind"], lost["count"], kept["kind"]) == ("lost", 1, "request")
    assert "No space left" in logged.getvalue()
