"""kafka-python as the rest of the project may see it: quiet, and with our errors."""

import logging
import socket
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar

from services.bus.kafka_handshake import be_let_in, speaks_tls
from services.bus.kafka_security import KafkaSecurity, addresses_in, security_of
from twin.errors import DependencyError, SettingsError

with warnings.catch_warnings():
    # While it is imported, kafka-python reads its schemas by a function that Python 3.11 and 3.12
    # deprecate and 3.13 took back into favour.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    import kafka.admin
    import kafka.errors

__all__ = [
    "RECONNECT_MS",
    "SCHEMA_HEADER",
    "TIMEOUT_S",
    "asking",
    "connection",
    "kafka",
    "reach",
]

TIMEOUT_S: Final = 10.0  # for one request; a broker under load may pause for seconds: assumption
# The longest wait between two tries of a client to reach a broker that is away. By default it is
# half a minute, long after most are back: assumption.
RECONNECT_MS: Final = 1000
SCHEMA_HEADER: Final = "schema"
# What kafka-python raises beside its own errors where a broker goes away under its hands: broken
# sockets, and its own assertions on what it thought it had.
_AWAY: Final = (OSError, AssertionError, ValueError, RuntimeError, LookupError, AttributeError)
_PROBE_S: Final = 2.0  # for a greeting, after a client has failed already: assumption

Result = TypeVar("Result")

# Everything that its loggers say reaches the caller as a DependencyError; on the terminal it would
# stand between the progress bars.
logging.getLogger("kafka").setLevel(logging.CRITICAL)


def asking(servers: str, what: str, call: Callable[[], Result]) -> Result:
    """Return what a call of kafka-python returns; turn its errors into ours."""
    try:
        return call()
    except (kafka.errors.KafkaError, *_AWAY) as error:
        # An error without words ends so.
        reason = str(error).removesuffix(": None") or type(error).__name__
        if isinstance(error, kafka.errors.KafkaTimeoutError) and "bootstrap" in reason:
            reason += _hint(servers)
        raise DependencyError(f"Kafka {servers}, {what}: {reason}") from error


def connection(servers: str) -> dict[str, Any]:
    """Return what each client of kafka-python has to know of its servers.

    Raises:
        SettingsError, DependencyError: as `reach`.
    """
    return {"bootstrap_servers": reach(servers), **security_of(servers).options()}


def reach(servers: str) -> list[str]:
    """Return the list of servers, one of which accepts connections and lets us in.

    A client that cannot connect would try for its whole timeout, and leave its thread behind.

    Raises:
        SettingsError: the text is no list of addresses, or a security setting cannot be used.
        DependencyError: no server accepts connections, or they do not let us in, and why.
    """
    security = security_of(servers)
    reasons, refused = [], False
    addresses = addresses_in(servers)
    for address in addresses:
        host, port = _place(address, servers)
        try:
            be_let_in(socket.create_connection((host, port), TIMEOUT_S), host, security)
            return addresses
        except OSError as error:
            reasons.append(f"{address}: {error.strerror or error}")
        except DependencyError as error:
            refused = True
            reasons.append(f"{address}: {error}")
    what = "does not let us in" if refused else "does not answer"
    raise DependencyError(f"Kafka {what} ({'; '.join(reasons) or 'no server given'})")


def _place(address: str, servers: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError("KAFKA_BOOTSTRAP_SERVERS", servers, "expected host:port,...")
    return host.strip("[]"), int(port)


def _hint(servers: str) -> str:
    """Return what may be wrong where a server accepts connections, but not what a client says."""
    if security_of(servers) != KafkaSecurity():
        return ""
    for address in addresses_in(servers):
        if speaks_tls(_place(address, servers), _PROBE_S):
            return "; it speaks TLS: set KAFKA_SECURITY_PROTOCOL to SASL_SSL or SSL"
    return ""
