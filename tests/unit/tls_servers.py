"""Redis and Apache Kafka that speak TLS, with certificates made for the occasion."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.kafka_jars import kafka_jars, kept

HOST = "127.0.0.1"
USER, PASSWORD = "twin", "open sesame 7Q"
START_S = 60.0  # a broker on a busy machine


def missing(reason: str) -> None:
    """Skip at home; in CI, what is missing is a failure."""
    if os.environ.get("CI"):
        pytest.fail(f"CI needs it: {reason}")
    pytest.skip(reason)


@dataclass(frozen=True)
class Certificates:
    """Of a made-up authority, for this machine; `stranger` is an authority that signed nothing."""

    ca: Path
    cert: Path
    key: Path
    stranger: Path


def certificates(folder: Path) -> Certificates:
    if shutil.which("openssl") is None:
        missing("no openssl")
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for name in ("ca", "stranger"):
        subject = ["-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem"]
        _run(["openssl", "req", "-x509", *new, *subject, "-days", "2"], folder)
    request = ["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"]
    _run(["openssl", "req", *new, *request], folder)
    (folder / "names").write_text(f"subjectAltName=DNS:localhost,IP:{HOST}\n")
    sign = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "names"]
    result = ["-in", "server.csr", "-out", "server.pem", "-days", "2"]
    _run(["openssl", "x509", "-req", *sign, *result], folder)
    files = (folder / f for f in ("ca.pem", "server.pem", "server.key", "stranger.pem"))
    return Certificates(*files)


@contextmanager
def tls_redis(made: Certificates, folder: Path, *, clients: str = "no") -> Iterator[str]:
    """Run Debian's Redis with TLS and a password; yield its URL, without that."""
    program = shutil.which("redis-server")
    if program is None:
        missing("no redis-server (Debian: apt-get install redis-server)")
    port = _free_port()
    settings = folder / "redis.conf"  # not in the arguments: they are seen by all
    settings.write_text(
        f"""bind {HOST}
port 0
tls-port {port}
tls-cert-file {made.cert}
tls-key-file {made.key}
tls-ca-cert-file {made.ca}
tls-auth-clients {clients}
requirepass "{PASSWORD}"
save ""
"""
    )
    with _process([str(program), str(settings)], folder, "redis", port):
        yield f"rediss://{HOST}:{port}/0"


@contextmanager
def tls_kafka(made: Certificates, folder: Path) -> Iterator[str]:
    """Run Apache Kafka with SASL_SSL, PLAIN and SCRAM-SHA-512; yield its address."""
    java = shutil.which("java")
    if java is None or not (kept() or shutil.which("mvn")):
        missing("no java, or no mvn to bring Apache Kafka's jars")
    port, controller = _free_port(), _free_port()
    (folder / "broker.pem").write_text(made.key.read_text() + made.cert.read_text())
    login = "org.apache.kafka.common.security"
    settings = folder / "server.properties"
    settings.write_text(
        f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{HOST}:{controller}
listeners=SASL_SSL://{HOST}:{port},CONTROLLER://{HOST}:{controller}
advertised.listeners=SASL_SSL://{HOST}:{port}
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=SASL_SSL
sasl.mechanism.inter.broker.protocol=PLAIN
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
listener.name.sasl_ssl.plain.sasl.jaas.config={login}.plain.PlainLoginModule required \
username="broker" password="{PASSWORD}" user_broker="{PASSWORD}" user_{USER}="{PASSWORD}";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config={login}.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={folder / "broker.pem"}
ssl.truststore.type=PEM
ssl.truststore.location={made.ca}
log.dirs={folder / "log"}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
auto.create.topics.enable=false
"""
    )
    run = [
        str(java),
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-cp",
        f"{kafka_jars()}/*",
    ]
    scram = f"SCRAM-SHA-512=[name={USER},password={PASSWORD}]"
    cluster = "AAAAAAAAAAAAAAAAAAAAAA"  # 16 bytes in base 64
    storage = ["kafka.tools.StorageTool", "format", "-t", cluster, "--add-scram", scram]
    _run([*run, *storage, "-c", str(settings)], folder)
    with _process([*run, "kafka.Kafka", str(settings)], folder, "kafka", port):
        yield f"{HOST}:{port}"


def _run(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def _process(command: Sequence[str], folder: Path, name: str, port: int) -> Iterator[None]:
    output = folder / f"{name}.txt"
    with output.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, stdout=stream, stderr=stream)
    try:
        deadline_s = time.monotonic() + START_S
        while not _listens(port):
            alive = process.poll() is None and time.monotonic() < deadline_s
            assert alive, output.read_text()[-2000:]
            time.sleep(0.05)
        yield
    finally:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def _free_port() -> int:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        return int(holder.getsockname()[1])
