import socket
import struct
import threading

import pytest

from services.embedded.probes import kafka_cluster, redis_process

PROBES = pytest.mark.parametrize("probe", [kafka_cluster, redis_process])


@pytest.fixture
def server():
    """Serve one connection with the given answer, in pieces."""
    threads = []

    def serve(*pieces: bytes) -> int:
        listener = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            with listener, listener.accept()[0] as connection:
                connection.recv(1024)
                for piece in pieces:
                    connection.sendall(piece)

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return listener.getsockname()[1]

    yield serve
    for thread in threads:
        thread.join(10)


def answer(body: bytes) -> bytes:
    return struct.pack(">i", len(body)) + body


def name(text: bytes) -> bytes:
    return struct.pack(">h", len(text)) + text


BROKER = struct.pack(">i", 7) + name(b"host") + struct.pack(">ih", 9092, -1)


def test_finds_the_cluster_behind_brokers_and_split_packets(server):
    whole = answer(struct.pack(">ii", 1, 2) + BROKER + BROKER + name(b"ours"))
    assert kafka_cluster("127.0.0.1", server(whole[:2], whole[2:20], whole[20:])) == "ours"


def test_finds_the_process_in_split_packets(server):
    port = server(b"$99\r\n# Server\r\nprocess_id:1", b"23\r\nport:1\r\n")
    assert redis_process("127.0.0.1", port) == 123


@PROBES
def test_nobody_there(probe):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        assert probe("127.0.0.1", holder.getsockname()[1]) is None


@PROBES
@pytest.mark.parametrize(
    "said",
    [b"", b"-NOAUTH\r\n", b"HTTP/1.1 400 Bad Request\r\n", answer(b"\0"), b"process_id:x\r\n"],
)
def test_somebody_else_there(probe, said, server):
    assert probe("127.0.0.1", server(said)) is None
