"""Finds out why a Kafka server would not let a client in, by the few bytes that this takes.

kafka-python tries again until its time is up and then knows of nothing but time: neither a
certificate that it does not trust nor a wrong password is told from a server that hangs.
"""

import socket
import ssl
import struct
from typing import Any, Final

from services.bus.kafka_security import KafkaSecurity
from services.tls import tls_hint
from twin.errors import DependencyError

# https://kafka.apache.org/protocol: API keys; both SASL requests are spoken in their first version
# that has an error code of its own.
_METADATA, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 3, 17, 36
_NO_TOPICS: Final = struct.pack(">i?", 0, False)  # Metadata, version 4
_CORRELATION: Final = 1
_MOST_BYTES: Final = 2**20  # of an answer; what is longer is no Kafka
_UNSUPPORTED_MECHANISM: Final = 33


def be_let_in(connection: socket.socket, host: str, security: KafkaSecurity) -> None:
    """Carry out the handshakes that a client of kafka-python would; the socket is closed then.

    Parameters:
        connection: to the server, with a timeout.
        host: its name, as the certificate has to have it.

    Raises:
        DependencyError: the server or its certificate is refused, or we are, and what to look at.
        OSError: the connection failed otherwise.
    """
    with connection:
        try:
            if security.tls is not None:
                connection = security.tls.wrap_socket(connection, server_hostname=host)
            with connection:
                if security.password is not None:
                    _authenticate(connection, security)
                elif security.tls is not None:
                    # Who lacks a certificate or a password is only told when it speaks.
                    _ask(connection, _METADATA, 4, _NO_TOPICS)
        except ssl.SSLError as error:
            hint = tls_hint("KAFKA", error)
            raise DependencyError(f"TLS: {hint or error.reason or error}") from error
        except (ConnectionError, TimeoutError) as error:
            if security.protocol == "PLAINTEXT":
                raise
            raise DependencyError(
                "it does not answer: perhaps it expects another KAFKA_SECURITY_PROTOCOL than "
                f"{security.protocol}, or a certificate (KAFKA_SSL_CERTFILE)"
            ) from error


def speaks_tls(address: tuple[str, int], timeout_s: float) -> bool:
    """Return whether the server at an address answers a TLS greeting."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is said to it
    try:
        with (
            socket.create_connection(address, timeout_s) as connection,
            context.wrap_socket(connection),
        ):
            return True
    except OSError:  # ssl.SSLError among them
        return False


def _authenticate(connection: socket.socket, security: KafkaSecurity) -> None:
    from kafka.net.sasl import get_sasl_mechanism

    assert security.mechanism is not None
    answer = _ask(connection, _SASL_HANDSHAKE, 1, _text(security.mechanism))
    (code,) = struct.unpack_from(">h", answer)
    if code == _UNSUPPORTED_MECHANISM:
        (count,), at, known = struct.unpack_from(">i", answer, 2), 6, []
        for _ in range(count):
            (length,) = struct.unpack_from(">h", answer, at)
            known.append(answer[at + 2 : at + 2 + length].decode(errors="replace"))
            at += 2 + length
        raise DependencyError(
            f"it does not offer KAFKA_SASL_MECHANISM={security.mechanism}, but {', '.join(known)}"
        )
    if code:
        raise DependencyError(f"SASL is refused, error {code}: look at KAFKA_SECURITY_PROTOCOL")
    mechanism: Any = get_sasl_mechanism(security.mechanism)(**security.options())
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        answer = _ask(connection, _SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token)
        (code,) = struct.unpack_from(">h", answer)
        if code:
            raise DependencyError(
                "it does not know KAFKA_SASL_USERNAME with this KAFKA_SASL_PASSWORD "
                f"({security.mechanism})"
            )
        (length,) = struct.unpack_from(">h", answer, 2)
        at = 4 + max(length, 0)
        (size,) = struct.unpack_from(">i", answer, at)
        try:
            mechanism.receive(answer[at + 4 : at + 4 + size])
        except ValueError as error:  # it cannot prove that it knows the password
            raise DependencyError(f"SASL: {security.mechanism} failed: {error}") from error


def _ask(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    """Send a request and return the body of its answer."""
    request = struct.pack(">hhih", api, version, _CORRELATION, -1) + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (length,) = struct.unpack(">i", _exactly(connection, 4))
    if not 4 <= length <= _MOST_BYTES:
        raise DependencyError(
            "it does not speak Kafka's protocol as KAFKA_SECURITY_PROTOCOL says, or not there"
        )
    return _exactly(connection, length)[4:]


def _text(text: str) -> bytes:
    return struct.pack(">h", len(text)) + text.encode()


def _exactly(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        chunk = connection.recv(size - len(answer))
        if not chunk:
            raise ConnectionResetError("closed before the answer was whole")
        answer += chunk
    return answer
