"""Asks a server on the loopback interface who it is, by the few bytes that this takes.

A client library would take ten times as long to import as the servers take to start.
"""

import socket
import struct
from typing import Final

_TIMEOUT_S: Final = 0.5  # for a connection or an answer; whoever waits longer asks again
# https://kafka.apache.org/protocol: API key 3 is Metadata; version 2 first names the cluster.
_METADATA, _VERSION, _CORRELATION = 3, 2, 1
_NO_TOPICS: Final = struct.pack(">i", 0)


def kafka_cluster(host: str, port: int) -> str | None:
    """Return the cluster id of the Kafka broker at an address, or None if none answers."""
    request = struct.pack(">hhih", _METADATA, _VERSION, _CORRELATION, -1) + _NO_TOPICS
    try:
        with socket.create_connection((host, port), _TIMEOUT_S) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            (length,) = struct.unpack(">i", _exactly(connection, 4))
            return _cluster_in(_exactly(connection, length))
    except (OSError, struct.error, UnicodeDecodeError):  # absent, or it speaks something else
        return None


def _cluster_in(response: bytes) -> str:
    """Return the cluster id in a Metadata response, version 2.

    >>> _cluster_in(bytes.fromhex("00000001" "00000000" "0002" "6131"))
    'a1'
    """
    _, brokers = struct.unpack_from(">ii", response, 0)  # correlation id, length of the array
    at = 8
    for _ in range(brokers):
        at += 4  # node id
        _, at = _string(response, at)  # host
        at += 4  # port
        _, at = _string(response, at)  # rack
    return _string(response, at)[0]


def _string(response: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from(">h", response, at)
    end = at + 2 + max(length, 0)  # -1 stands for null
    return response[at + 2 : end].decode(), end


def redis_process(host: str, port: int) -> int | None:
    """Return the process id of the Redis server at an address, or None if none answers."""
    try:
        with socket.create_connection((host, port), _TIMEOUT_S) as connection:
            connection.sendall(b"INFO server\r\n")
            answer = b""
            while b"process_id:" not in answer or not answer.endswith(b"\r\n"):
                answer += _some(connection, 4096)
            return int(answer.partition(b"process_id:")[2].split()[0])
    except (OSError, ValueError):  # absent, still loading, or it speaks something else
        return None


def _exactly(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        answer += _some(connection, size - len(answer))
    return answer


def _some(connection: socket.socket, most: int) -> bytes:
    chunk = connection.recv(most)
    if not chunk:
        raise ConnectionResetError("closed before the answer was whole")
    return chunk
