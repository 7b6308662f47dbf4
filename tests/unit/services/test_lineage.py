"""Lineage: the log alone tells all versions, and an altered one is refused with its line."""

import os
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from stack_logs import EVENTS, REFUSED, V0, V1, V2, WAITS, promoted, write_run

from services.bus.memory import MemoryBus
from services.lineage import RunLog, find_log, find_run
from services.live_log import read_topic
from twin.errors import DataError
from twin.restacking.lineage import lineage_of
from twin.stacks import version_of


def test_a_log_file_tells_versions_and_refusals(tmp_path: Path) -> None:
    found = RunLog(write_run(tmp_path)).lineage()
    assert found.versions == (V0, V1, V2)
    assert found.rejections == (WAITS, REFUSED)
    assert [one.epoch for one in found.decisions] == [0, 1, 3, 4, 5]
    assert found.stack(1) == version_of(V1)


def test_order_and_repetition_change_nothing() -> None:
    once = lineage_of(EVENTS)
    for some in permutations((V0, V1, V2, WAITS, REFUSED)):
        assert lineage_of((*some, V1, REFUSED)) == once


def test_ancestors_go_where_the_weights_come_from() -> None:
    found = lineage_of((V0, V1, V2, promoted(3, 6, (0.1, 1.0, 0.5, 0.0))))
    assert found.ancestors(1) == (0,)
    assert found.ancestors(2) == (0,)  # restores 0: version 1 has no part in it
    assert found.ancestors(3) == (2, 0)


def test_the_version_in_force_answers() -> None:
    found = lineage_of(EVENTS)
    at = [found.in_force(day * 1440.0).version for day in (0, 2.9, 3, 4.9, 5, 50)]
    assert at == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b'"threshold":0.4,', b'"threshold":0.3,', "stack 1: digest is"),
        (b'"svm":[-0.5,0.5,0.25]', b'"svm":[-0.5,0.6,0.25]', "stack 1: digest is"),
        (
            b'"inputs":["input.0"],"labels":100,',
            b'"inputs":["input.1"],"labels":100,',
            "stack 1: digest",
        ),
        (b'"parent":1', b'"parent":0', "stack 2: its parent is 0, but 1 was in force"),
        (b'"restores":0', b'"restores":1', "stack 2 restores 1, but has other weights"),
        (b'"epoch":5', b'"epoch":2', "stack 2 is of an epoch before its parent's"),
        (b'"epoch":4', b'"epoch":3', "epoch 3 was decided twice"),
        (b'"labels":100,', b'"labels":"100",', "labels"),
    ],
)
def test_an_altered_log_is_refused_with_its_line(
    tmp_path: Path, old: bytes, new: bytes, says: str
) -> None:
    log = write_run(tmp_path)
    lines = log.read_bytes().splitlines(keepends=True)
    place = next(n for n, text in enumerate(lines, start=1) if old in text)
    log.write_bytes(b"".join(lines).replace(old, new))
    with pytest.raises(DataError) as caught:
        RunLog(log).lineage()
    assert says in str(caught.value)
    assert f":{place}:" in str(caught.value) or f"line {place}:" in str(caught.value)


def test_a_version_that_is_missing_or_there_in_two_forms_is_refused() -> None:
    with pytest.raises(DataError, match="stack 2, but the log holds no stack 1"):
        lineage_of((V0, V2))
    with pytest.raises(DataError, match="version 1 differs from what line 2 says"):
        lineage_of((V0, V1, replace(V1, reason="another")))


def test_no_restacking_is_said(tmp_path: Path) -> None:
    log = write_run(tmp_path, events=[one for one in EVENTS if one not in (V0, V1, V2)][2:])
    with pytest.raises(DataError, match="nothing was re-stacked in this run"):
        RunLog(log).lineage()
    log.unlink()
    with pytest.raises(DataError, match="no twin was asked in this run"):
        find_log(tmp_path, None)


def test_runs_are_found_by_folder_name_or_as_the_latest(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no run"):
        find_run(tmp_path, None)
    first, second = write_run(tmp_path, "a").parent, write_run(tmp_path, "b").parent
    os.utime(first / "experiment.json", (2e9, 2e9))
    assert find_run(tmp_path, None) == first
    assert find_run(tmp_path, "b") == find_run(tmp_path, str(second)) == second
    assert find_log(tmp_path, str(second / "events.jsonl")).file == second / "events.jsonl"
    with pytest.raises(DataError, match=r"no such run; the latest below .*: a, b"):
        find_run(tmp_path, "c")


def test_points_are_to_be_named(tmp_path: Path) -> None:
    log = write_run(tmp_path)
    (log.parent / "points").mkdir()
    log.rename(log.parent / "points" / "001-events.jsonl")
    with pytest.raises(DataError, match=r"several points; .*001-events\.jsonl"):
        find_log(tmp_path, None)


def test_a_topic_is_read_whole() -> None:
    bus = MemoryBus()
    publisher = bus.publisher()
    for event in (V0, WAITS, V1, REFUSED, V2):
        publisher.publish(event)
    publisher.flush()
    assert lineage_of(read_topic(bus.subscriber(("stacks",), "reader"))).versions == (V0, V1, V2)
