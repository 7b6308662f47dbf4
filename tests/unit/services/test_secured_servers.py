"""Kafka over SASL_SSL and Redis over TLS, as Apache Kafka and Debian's Redis speak them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from tls_servers import PASSWORD, USER, Certificates, certificates, tls_kafka, tls_redis

from services.bus.kafka_client import reach
from services.bus.kafka_publisher import KafkaPublisher
from services.bus.kafka_subscriber import KafkaSubscriber
from services.bus.kafka_topics import ensure_topics
from services.bus.topics import MIRRORED, TOPICS
from services.config import VARIABLES
from services.image_store import RedisBlobs
from services.mirror.loop import Mirror
from services.mirror.redis_mirror import RedisMirror
from services.redis_client import redis_client
from twin.errors import DependencyError, SettingsError
from twin.events import ComponentChanged

pytestmark = pytest.mark.slow
ONCE = Retry(NoBackoff(), 0)
EVENT = ComponentChanged(
    component="stem", at_unix_s=1.0, state="ready", restarts=0, model_id="m", reason=""
)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def kafka(made, tmp_path_factory) -> Iterator[str]:
    with tls_kafka(made, tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.fixture(scope="module")
def cache(made, tmp_path_factory) -> Iterator[str]:
    with tls_redis(made, tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def secured(monkeypatch, tmp_path, made):
    """Set the environment of a client that may do all; arguments change it."""

    def set_to(kafka: str | None = None, cache: str | None = None, **others: str) -> None:
        secret = tmp_path / "secret"
        secret.write_text(PASSWORD + "\n")
        environment = dict.fromkeys(VARIABLES, "")
        if kafka is not None:
            environment |= {
                "KAFKA_BOOTSTRAP_SERVERS": kafka,
                "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
                "KAFKA_SASL_USERNAME": USER,
                "KAFKA_SASL_PASSWORD_FILE": str(secret),
                "KAFKA_SSL_CAFILE": str(made.ca),
            }
        if cache is not None:
            environment |= {
                "REDIS_URL": cache,
                "REDIS_PASSWORD_FILE": str(secret),
                "REDIS_SSL_CAFILE": str(made.ca),
            }
        for name, value in (environment | others).items():
            monkeypatch.setenv(name, value)

    return set_to


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_log_over_sasl_ssl_is_mirrored_over_rediss(kafka, cache, secured, prefix, mechanism):
    secured(kafka, cache, KAFKA_SASL_MECHANISM=mechanism)
    ensure_topics(kafka, prefix, TOPICS, partitions=1)
    publisher = KafkaPublisher(kafka, prefix)
    publisher.publish(EVENT)
    publisher.flush()
    publisher.close()
    mirror = RedisMirror(cache, prefix)
    subscriber = KafkaSubscriber(kafka, prefix, MIRRORED, "mirror")
    loop = Mirror(subscriber, mirror)
    while not mirror.position():
        loop.step(0.1)
    assert mirror.read_back().components["stem"] == EVENT
    assert sum(subscriber.lag().values()) == 0
    subscriber.close()
    mirror.close()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"KAFKA_SSL_CAFILE": "stranger"}, "not signed by who is in KAFKA_SSL_CAFILE"),
        ({"KAFKA_SASL_PASSWORD_FILE": "", "KAFKA_SASL_PASSWORD": "Wr0ng!"}, "KAFKA_SASL_PASSWORD"),
        (
            {
                "KAFKA_SASL_PASSWORD_FILE": "",
                "KAFKA_SASL_PASSWORD": "Wr0ng!",
                "KAFKA_SASL_MECHANISM": "PLAIN",
            },
            "KAFKA_SASL_PASSWORD",
        ),
        ({"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, "KAFKA_SASL_MECHANISM=SCRAM-SHA-256, but"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "KAFKA_SECURITY_PROTOCOL"),
        (
            {
                "KAFKA_SECURITY_PROTOCOL": "SSL",
                "KAFKA_SASL_MECHANISM": "",
                "KAFKA_SASL_USERNAME": "",
                "KAFKA_SASL_PASSWORD_FILE": "",
            },
            "KAFKA_SECURITY_PROTOCOL",
        ),
    ],
)
def test_who_kafka_refuses_learns_at_once_which_variable_is_wrong(
    kafka, made, secured, changes, words
):
    if changes.get("KAFKA_SECURITY_PROTOCOL") == "SASL_PLAINTEXT":
        changes = changes | {"KAFKA_SSL_CAFILE": ""}
    changes = {name: str(getattr(made, value, value)) for name, value in changes.items()}
    secured(kafka, **changes)
    with pytest.raises(DependencyError, match="does not let us in") as caught:
        reach(kafka)
    assert words in str(caught.value)
    assert "Wr0ng!" not in str(caught.value) and PASSWORD not in str(caught.value)


def test_a_plain_client_is_told_that_kafka_speaks_tls(kafka, secured):
    secured()
    with pytest.raises(DependencyError, match="it speaks TLS: set KAFKA_SECURITY_PROTOCOL"):
        ensure_topics(kafka, "p", ["cases"], timeout_s=0.5)


def test_a_tls_client_is_told_that_kafka_does_not(kafka_servers, secured, monkeypatch):
    monkeypatch.setattr("services.bus.kafka_client.TIMEOUT_S", 0.5)  # the embedded one says nothing
    secured(kafka_servers)
    with pytest.raises(DependencyError, match="another KAFKA_SECURITY_PROTOCOL than SASL_SSL"):
        reach(kafka_servers)


def test_another_servers_kafka_gets_no_password(kafka, kafka_servers, secured):
    secured(kafka)
    assert reach(kafka_servers) == [kafka_servers]  # it would not understand


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"REDIS_SSL_CAFILE": "stranger"}, "not signed by who is in REDIS_SSL_CAFILE"),
        ({"REDIS_PASSWORD_FILE": "", "REDIS_PASSWORD": "Wr0ng!"}, "look at REDIS_PASSWORD"),
    ],
)
def test_who_redis_refuses_learns_which_variable_is_wrong(cache, made, secured, changes, words):
    secured(cache=cache, **{k: str(getattr(made, v, v)) for k, v in changes.items()})
    mirror = RedisMirror(cache, "p")
    with pytest.raises(DependencyError) as caught:
        mirror.position()
    mirror.close()
    assert words in str(caught.value)
    assert "Wr0ng!" not in str(caught.value)
    with pytest.raises(DependencyError, match=words):
        RedisBlobs(cache, "p").put(b"x")


def test_plain_clients_and_tls_servers_are_told_apart(cache, redis_url, secured):
    secured()
    plain = cache.replace("rediss:", "redis:")
    with pytest.raises(redis.ConnectionError, match="rediss://"):
        redis_client(plain, retry=ONCE).ping()
    with pytest.raises(redis.TimeoutError, match="perhaps it does not speak TLS"):
        redis_client(redis_url.replace("redis:", "rediss:"), socket_timeout=0.2, retry=ONCE).ping()


def test_a_client_with_a_certificate_is_let_in_and_others_learn_what_is_missing(
    made, secured, tmp_path
):
    with tls_redis(made, tmp_path, clients="yes") as url:
        secured(cache=url)
        with pytest.raises(redis.RedisError, match="set REDIS_SSL_CERTFILE"):
            redis_client(url, retry=ONCE).ping()
        certificate = {"REDIS_SSL_CERTFILE": str(made.cert), "REDIS_SSL_KEYFILE": str(made.key)}
        secured(cache=url, **certificate)
        with redis_client(url) as client:
            assert client.ping()
        secured(cache=url, **certificate | {"REDIS_SSL_KEYFILE": str(made.ca)})
        with pytest.raises(SettingsError, match="REDIS_SSL_KEYFILE"):
            redis_client(url)


def test_the_mirror_runs_over_tls_and_says_no_password(kafka, cache, secured, prefix, tmp_path):
    """The program itself, with the password where people put it: in the URL."""
    secured(kafka, cache, REDIS_PASSWORD_FILE="")
    secret = PASSWORD.replace(" ", "%20")
    ensure_topics(kafka, prefix, TOPICS, partitions=1)
    publisher = KafkaPublisher(kafka, prefix)
    publisher.publish(EVENT)
    publisher.flush()
    publisher.close()
    environment = os.environ | {
        "DERMTWIN_HOME": str(tmp_path),
        "DERMTWIN_NAME": prefix,
        "REDIS_URL": cache.replace("//", f"//:{secret}@"),
    }
    output = tmp_path / "output"
    with output.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "mirror"],
            env=environment,
            stdout=stream,
            stderr=stream,
        )
    try:
        secured(cache=cache)
        mirror = RedisMirror(cache, prefix)
        while not mirror.position():
            assert process.poll() is None, output.read_text()
        arguments = Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        process.terminate()
        process.wait()
    for shown in (output.read_text(), arguments):
        assert PASSWORD not in shown and secret not in shown
    status = subprocess.run(
        [sys.executable, "-m", "services.cli", "status", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert cache in status.stdout
    assert PASSWORD not in status.stdout + status.stderr
    assert secret not in status.stdout + status.stderr
