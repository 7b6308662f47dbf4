"""kafka-python as the rest of the project may see it: quiet, and with our errors."""

import logging
import socket
import warnings
from collections.abc import Callable
from typing import Final, TypeVar

from twin.errors import DependencyError, SettingsError

with warnings.catch_warnings():
    # While it is imported, kafka-python reads its schemas by a function that Python 3.11 and 3.12
    # deprecate and 3.13 took back into favour.
    warnings.simplefilter("ignore", DeprecationWarning)
    import kafka
    import kafka.admin
    import kafka.errors

__all__ = ["RECONNECT_MS", "SCHEMA_HEADER", "TIMEOUT_S", "asking", "kafka", "reach"]

TIMEOUT_S: Final = 10.0  # for one request; a broker under load may pause for seconds: assumption
# The longest wait between two tries of a client to reach a broker that is away. By default it is
# half a minute, long after most are back: assumption.
RECONNECT_MS: Final = 1000
SCHEMA_HEADER: Final = "schema"
# What kafka-python raises beside its own errors where a broker goes away under its hands: broken
# sockets, and its own assertions on what it thought it had.
_AWAY: Final = (OSError, AssertionError, ValueError, RuntimeError, LookupError, AttributeError)

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
        raise DependencyError(f"Kafka {servers}, {what}: {reason}") from error


def reach(servers: str) -> list[str]:
    """Return the list of servers, one of which accepts connections.

    A client that cannot connect would try for its whole timeout, and leave its thread behind.

    Raises:
        SettingsError: the text is no list of addresses.
        DependencyError: no server accepts connections.
    """
    addresses = [address.strip() for address in servers.split(",") if address.strip()]
    reasons = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise SettingsError("KAFKA_BOOTSTRAP_SERVERS", servers, "expected host:port,...")
        try:
            socket.create_connection((host.strip("[]"), int(port)), TIMEOUT_S).close()
            return addresses
        except OSError as error:
            reasons.append(f"{address}: {error.strerror or error}")
    raise DependencyError(f"Kafka does not answer ({'; '.join(reasons) or 'no server given'})")
