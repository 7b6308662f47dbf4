"""What a killed run left on servers that are not ours is deleted before the run goes on."""

import pytest
import redis

from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import delete_topics, ensure_topics
from services.bus.topics import TOPICS
from services.config import Settings
from services.experiments.half_log import HalfLog
from twin.errors import DependencyError
from twin.events import CaseRejected


@pytest.fixture
def settings(kafka_servers, redis_url, tmp_path):
    return Settings(home=tmp_path, kafka=kafka_servers, redis=redis_url)


@pytest.fixture
def client(redis_url):
    with redis.Redis.from_url(redis_url) as connected:
        yield connected


@pytest.fixture
def left(settings, client, prefix, tmp_path):
    """Half a log and half a mirror, and the note of them."""
    HalfLog(tmp_path, settings).begun(prefix)
    ensure_topics(settings.kafka, prefix, TOPICS)
    publisher = KafkaPublisher(settings.kafka, prefix)
    publisher.publish(CaseRejected(case_id="c1", at_min=0.0, reason="test"))
    publisher.close()
    client.hset(f"{prefix}:counts", "cases", 1)


def test_half_a_log_and_half_a_mirror_are_deleted(left, settings, client, prefix, tmp_path, capsys):
    HalfLog(tmp_path, settings).forget()
    with pytest.raises(DependencyError, match="has no topic"):
        KafkaSubscriber(settings.kafka, prefix, TOPICS, "test")
    assert not list(client.scan_iter(f"{prefix}*"))
    said = " ".join(capsys.readouterr().err.split())
    assert f"topics {prefix}.*" in said and f"keys {prefix}:*" in said
    HalfLog(tmp_path, settings).forget()  # there is nothing to forget any more
    assert not capsys.readouterr().err


def test_on_other_servers_it_is_told_and_stays(left, settings, client, prefix, tmp_path, capsys):
    HalfLog(tmp_path, Settings(home=tmp_path)).forget()
    said = " ".join(capsys.readouterr().err.split())
    assert f"left topics {prefix}.*" in said and f"left keys {prefix}:*" in said
    assert client.hget(f"{prefix}:counts", "cases") == b"1"
    delete_topics(settings.kafka, prefix, (*TOPICS, "that-never-was"))


def test_a_log_that_is_complete_stays(settings, client, prefix, tmp_path):
    half = HalfLog(tmp_path, settings)
    half.begun(prefix)
    client.hset(f"{prefix}:counts", "cases", 1)
    half.ended()
    half.forget()
    assert client.exists(f"{prefix}:counts")


def test_the_note_holds_no_password(tmp_path, prefix):
    secret = Settings(home=tmp_path, redis="redis://user:secret@127.0.0.1:6379/0")
    HalfLog(tmp_path, secret).begun(prefix)
    assert "secret" not in (tmp_path / "log.json").read_text()
