"""How to speak to Kafka: TLS and SASL, as the environment says."""

import os
import ssl
from dataclasses import dataclass
from typing import Any, Final

from pydantic import SecretStr

from services.config import read_settings
from services.tls import tls_context

_PLAINTEXT: Final = "PLAINTEXT"


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaSecurity:
    """What a connection needs beside its address."""

    protocol: str = _PLAINTEXT
    tls: ssl.SSLContext | None = None
    mechanism: str | None = None
    username: str | None = None
    password: SecretStr | None = None

    def options(self) -> dict[str, Any]:
        """Return them by the names that kafka-python gives them."""
        found: dict[str, Any] = {"security_protocol": self.protocol}
        if self.tls is not None:
            found["ssl_context"] = self.tls
        if self.password is not None:
            found["sasl_mechanism"] = self.mechanism
            found["sasl_plain_username"] = self.username
            found["sasl_plain_password"] = self.password.get_secret_value()
        return found


def security_of(servers: str) -> KafkaSecurity:
    """Return how to speak to some servers, from this process's environment.

    What is there belongs to KAFKA_BOOTSTRAP_SERVERS, and no others get to see it.

    Raises:
        SettingsError: a setting or file cannot be used.
    """
    settings = read_settings(os.environ)
    if settings.kafka is None or addresses_in(settings.kafka) != addresses_in(servers):
        return KafkaSecurity()
    tls = None
    if settings.kafka_protocol.endswith("SSL"):
        tls = tls_context("KAFKA", settings.kafka_ca, settings.kafka_cert, settings.kafka_key)
    return KafkaSecurity(
        protocol=settings.kafka_protocol,
        tls=tls,
        mechanism=settings.kafka_mechanism,
        username=settings.kafka_username,
        password=settings.kafka_password,
    )


def addresses_in(servers: str) -> list[str]:
    """Return the addresses of a list of servers."""
    return [address.strip() for address in servers.split(",") if address.strip()]
