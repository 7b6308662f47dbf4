"""What other versions wrote: read, or refused in words that help.

`tests/data/part1` was written by the version of part 1; its README.md says how.
"""

import io
import json
import shutil
import threading
from pathlib import Path

import pytest
import redis
from samples import FakeStack, arrived

from services.api.live.mirror_reader import MirrorReader
from services.artefacts import ArtefactStore
from services.bus.codec import decode, read_log
from services.bus.memory import MemoryBus
from services.bus.topics import MIRRORED
from services.commands.forecast import _events
from services.lineage import RunLog
from services.logs import open_log
from services.mirror.loop import Mirror
from services.mirror.rebuild import check, rebuild
from services.mirror.redis_mirror import RedisMirror
from services.worker import Worker
from twin.errors import ArtefactError, DataError, DependencyError, EventError, VersionError
from twin.events import VerdictIssued
from twin.log import encode
from twin.model import FORMAT
from twin.pipeline import Pipeline

PART1 = Path(__file__).parent.parent.parent / "data" / "part1"
LOG = PART1 / "events.jsonl"


def lines() -> list[dict]:
    return [json.loads(line) for line in LOG.read_bytes().splitlines()]


class TestLog:
    @pytest.mark.parametrize("read", [lambda file: list(RunLog(file).events()), _events])
    def test_a_log_file_of_part_1_is_refused_by_name_and_version(self, read):
        with pytest.raises(DataError) as caught:
            read(LOG)
        said = str(caught.value)
        assert str(LOG) in said and "line 1" in said
        assert "'CaseArrived/1' is of an earlier version of dermtwin" in said
        assert "this one reads CaseArrived/2" in said and "run its scenario again" in said

    @pytest.mark.parametrize(
        ("schema", "said"),
        [
            ("CaseRead/1", "an earlier version of dermtwin; this one reads CaseClosed/1"),
            ("VerdictIssued/1", "an earlier version of dermtwin; this one reads VerdictIssued/2"),
            ("CaseArrived/3", "a later version of dermtwin; this one reads CaseArrived/2"),
            ("CaseClosed/2", "a later version of dermtwin; this one reads CaseClosed/1"),
            ("ComponentChanged/7", "reads ComponentChanged/2 and ComponentChanged/1"),
        ],
    )
    def test_an_event_of_another_version_is_told_from_nonsense(self, schema, said):
        with pytest.raises(VersionError, match=said):
            decode(schema, b"{}")

    @pytest.mark.parametrize(
        "schema", ["CaseArrived/x", "CaseArrived/", "CaseArrived/" + "9" * 5000]
    )
    def test_nonsense_stays_nonsense(self, schema):
        with pytest.raises(EventError, match="is not CaseArrived/2") as caught:
            decode(schema, b"{}")
        assert not isinstance(caught.value, VersionError)

    def test_a_log_file_of_a_later_version_is_refused(self):
        later = LOG.read_bytes().splitlines()[0].replace(b"CaseArrived/1", b"CaseArrived/3")
        with pytest.raises(VersionError, match="line 1: schema 'CaseArrived/3' is of a later"):
            list(read_log([later]))

    def test_met_on_kafka_it_goes_to_the_dead_letters_and_the_worker_goes_on(self):
        bus = MemoryBus()
        publisher = bus.publisher()
        for one in lines():
            if one["topic"] == "cases":
                raw = json.dumps(one["event"], sort_keys=True, separators=(",", ":")).encode()
                publisher.publish_raw("cases", one["event"]["case_id"], one["schema"], raw, {})
        publisher.publish(arrived("good"))
        old = sum(one["topic"] == "cases" for one in lines())
        stop = threading.Event()
        reader = bus.subscriber(["cases"], "worker")

        class UntilEmpty:
            def poll(self, most, wait_s):
                found = reader.poll(most, 0.0)
                if not found:
                    stop.set()
                return found

            def __getattr__(self, name):
                return getattr(reader, name)

        worker = Worker(
            UntilEmpty(), publisher, Pipeline(FakeStack()), batch=4, log=open_log(io.StringIO())
        )
        worker.run(stop)
        letters = bus.subscriber(["dead-letters"], "test").poll(1000, 0.0)
        assert worker.dead_lettered == len(letters) == old == 16
        reasons = [" ".join(letter.headers.values()) for letter in letters]
        assert all("an earlier version of dermtwin" in reason for reason in reasons)
        answers = bus.subscriber(["verdicts"], "test").poll(1000, 0.0)
        assert [decode(one.schema, one.value).case_id for one in answers] == ["good"]
        assert isinstance(decode(answers[0].schema, answers[0].value), VerdictIssued)


class TestMirror:
    @pytest.fixture
    def written(self, redis_url, prefix):
        """The keys of part 1 under a prefix, and whoever looks at them."""
        with redis.Redis.from_url(redis_url) as client:
            for one in json.loads((PART1 / "mirror.json").read_text()):
                key = f"{prefix}:{one['key']}"
                if one["type"] == "hash":
                    client.hset(key, mapping=one["value"])
                else:
                    for place, fields in one["value"]:
                        client.xadd(key, fields, id=place)
            yield client

    @pytest.fixture
    def bus(self):
        bus = MemoryBus()
        for number in range(5):
            bus.publisher().publish(arrived(f"c{number}"))
        return bus

    def test_it_is_not_misread(self, written, redis_url, prefix):
        mirror = RedisMirror(redis_url, prefix)
        for read in (mirror.read_back, mirror.overview):
            with pytest.raises(DependencyError) as caught:
                read()
            said = str(caught.value)
            assert f"the mirror under {prefix}" in said and "an earlier version" in said
            assert "reads layout 2" in said and "dermtwin rebuild" in said
        mirror.close()
        reader = MirrorReader(redis_url, prefix)
        assert reader.snapshot() is None  # the API: no mirror has written yet
        reader.close()

    def test_the_mirror_process_makes_it_again_and_says_so(self, written, redis_url, prefix, bus):
        mirror, told = RedisMirror(redis_url, prefix), []
        loop = Mirror(bus.subscriber(MIRRORED, "mirror"), mirror, tell=told.append)
        while loop.step(0.0):
            pass
        assert len(told) == 1 and "an earlier version" in told[0]
        assert sorted(mirror.read_back().cases) == [f"c{number}" for number in range(5)]
        mirror.close()

    def test_rebuild_makes_it_again(self, written, redis_url, prefix, bus):
        def reader(group):
            return bus.subscriber(MIRRORED, group)

        assert rebuild(redis_url, prefix, reader, lambda *_: None).in_place
        assert check(redis_url, prefix, reader, lambda *_: None).equal
        assert not written.exists(f"{prefix}:case:r0-000000")


class TestArtefact:
    def test_one_of_part_1_is_refused_by_name_and_format(self, tmp_path):
        folder = tmp_path / "models" / "8ace63cc9c16"
        shutil.copytree(PART1 / "model", folder)
        with pytest.raises(ArtefactError) as caught:
            ArtefactStore(tmp_path).load("8ace63cc9c16")
        said = str(caught.value)
        assert str(folder) in said and f"format 1, but this program reads {FORMAT}" in said
        assert "an earlier version" in said and "dermtwin train" in said

    def test_one_of_a_later_version_is_refused_whatever_it_has(self, tmp_path):
        (tmp_path / "manifest.json").write_text(json.dumps({"content": {"format": FORMAT + 1}}))
        with pytest.raises(ArtefactError, match=f"format {FORMAT + 1}, .* a later version"):
            ArtefactStore(tmp_path).load(str(tmp_path))


def test_this_version_reads_its_own(tmp_path):
    event = arrived("c1")
    assert decode("CaseArrived/2", encode(event)) == event
