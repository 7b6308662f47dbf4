"""Refuses security settings that would be ignored, or would fail later and elsewhere."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from twin.errors import SettingsError

_SERVERS: Final = {"KAFKA": "KAFKA_BOOTSTRAP_SERVERS", "REDIS": "REDIS_URL"}
_SASL: Final = ("MECHANISM", "USERNAME", "PASSWORD")
_FILES: Final = ("CAFILE", "CERTFILE", "KEYFILE")
_OF_SERVER: Final = {
    "KAFKA": (
        "KAFKA_SECURITY_PROTOCOL",
        *(f"KAFKA_SASL_{part}" for part in (*_SASL, "PASSWORD_FILE")),
        *(f"KAFKA_SSL_{part}" for part in _FILES),
    ),
    "REDIS": (
        "REDIS_PASSWORD",
        "REDIS_PASSWORD_FILE",
        *(f"REDIS_SSL_{part}" for part in _FILES),
    ),
}


def refuse_halves(environment: Mapping[str, str]) -> None:
    """Look over what an environment says of passwords and TLS; each value is valid by itself.

    Raises:
        SettingsError: naming the variable that is missing, or in the way.
    """
    for name, server in _SERVERS.items():
        for variable in _OF_SERVER[name]:
            if environment.get(variable) and not environment.get(server):
                # An embedded server knows no password and no TLS.
                raise SettingsError(variable, "...", f"belongs to {server}, which is not set")
    protocol = environment.get("KAFKA_SECURITY_PROTOCOL") or "PLAINTEXT"
    _sasl(environment, protocol)
    tls = protocol in {"SSL", "SASL_SSL"}
    _files(environment, "KAFKA", None if tls else "KAFKA_SECURITY_PROTOCOL is not SASL_SSL or SSL")
    tls = environment.get("REDIS_URL", "").startswith("rediss:")
    _files(environment, "REDIS", None if tls else "REDIS_URL does not begin with rediss://")


def _sasl(environment: Mapping[str, str], protocol: str) -> None:
    wanted = protocol.startswith("SASL")
    for part in _SASL:
        variable = f"KAFKA_SASL_{part}"
        given = environment.get(variable) or environment.get(f"{variable}_FILE")
        if wanted and not given:
            raise SettingsError(variable, "", f"KAFKA_SECURITY_PROTOCOL={protocol} needs it")
        if given and not wanted:
            raise SettingsError(variable, "...", "KAFKA_SECURITY_PROTOCOL is not SASL_SSL")
    if protocol == "SASL_PLAINTEXT" and environment.get("KAFKA_SASL_MECHANISM") == "PLAIN":
        reason = "would send the password as it is: use SASL_SSL, or SCRAM-SHA-512"
        raise SettingsError("KAFKA_SASL_MECHANISM", "PLAIN", reason)


def _files(environment: Mapping[str, str], name: str, without_tls: str | None) -> None:
    given = {part: environment.get(f"{name}_SSL_{part}") for part in _FILES}
    for part, file in given.items():
        if file and without_tls:
            raise SettingsError(f"{name}_SSL_{part}", file, without_tls)
        if file and not Path(file).is_file():
            raise SettingsError(f"{name}_SSL_{part}", file, "no such file")
    if bool(given["CERTFILE"]) != bool(given["KEYFILE"]):
        there, missing = ("CERT", "KEY") if given["CERTFILE"] else ("KEY", "CERT")
        reason = f"{name}_SSL_{there}FILE needs it"
        raise SettingsError(f"{name}_SSL_{missing}FILE", "", reason)
