"""Settings: read from the environment once, frozen, and passed on as values."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_validator

from services.bus.port import PARTITIONS
from services.credentials import password_of, without_password
from services.security_checks import refuse_halves
from twin.errors import SettingsError

# Variable -> (field, what it is for); `dermtwin doctor` and the README's table are made from it.
VARIABLES: Final[dict[str, tuple[str, str]]] = {
    "DERMTWIN_HOME": ("home", "models and runs; ./.dermtwin if not set"),
    "DERMTWIN_DATA": ("data", "image directory that scenarios with `source: images` read"),
    "DERMTWIN_NAME": ("name", "prefix of topics and keys; dermtwin if not set"),
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "Kafka to use; an embedded broker if not set"),
    "REDIS_URL": ("redis", "Redis to use, rediss:// with TLS; an embedded Valkey if not set"),
    "KAFKA_SECURITY_PROTOCOL": (
        "kafka_protocol",
        "PLAINTEXT, SSL, SASL_SSL or SASL_PLAINTEXT; PLAINTEXT if not set",
    ),
    "KAFKA_SASL_MECHANISM": ("kafka_mechanism", "SCRAM-SHA-512, SCRAM-SHA-256 or PLAIN"),
    "KAFKA_SASL_USERNAME": ("kafka_username", "who the twin is to Kafka"),
    "KAFKA_SASL_PASSWORD": ("kafka_password", "and its password"),
    "KAFKA_SASL_PASSWORD_FILE": ("kafka_password", "or the file that holds it"),
    "KAFKA_SSL_CAFILE": ("kafka_ca", "who signed Kafka's certificate; the system's if not set"),
    "KAFKA_SSL_CERTFILE": ("kafka_cert", "the twin's own certificate, where Kafka asks for one"),
    "KAFKA_SSL_KEYFILE": ("kafka_key", "and its key, without a passphrase"),
    "REDIS_PASSWORD": ("redis_password", "if it is not in REDIS_URL"),
    "REDIS_PASSWORD_FILE": ("redis_password", "or the file that holds it"),
    "REDIS_SSL_CAFILE": ("redis_ca", "who signed the certificate of a rediss:// server"),
    "REDIS_SSL_CERTFILE": ("redis_cert", "the twin's own certificate, where Redis asks for one"),
    "REDIS_SSL_KEYFILE": ("redis_key", "and its key, without a passphrase"),
    "RAY_ADDRESS": ("ray", "Ray cluster to join; a local one is started if not set"),
    "DERMTWIN_REPLICAS": ("replicas", "actors per component, as stem=2,knn=1"),
    "DERMTWIN_CPUS": ("cpus", "CPU share per actor of a component, as stem=1,catboost=0.5"),
    "DERMTWIN_PARTITIONS": (
        "partitions",
        "partitions of topics that are made, the most workers that share the cases; 4 if not set",
    ),
    "DERMTWIN_THREADS": ("threads", "threads for training; the number of cores if not set"),
}
PASSWORDS: Final = ("KAFKA_SASL_PASSWORD", "REDIS_PASSWORD")  # or in the file of VARIABLE_FILE
# Files are named as seen from this process; children may have other working directories.
FILES: Final = tuple(name for name in VARIABLES if name.endswith("FILE"))


class Settings(BaseModel):
    """What the environment says. Field meanings stand in `VARIABLES`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path(".dermtwin")
    data: Path | None = None
    name: str = "dermtwin"
    kafka: str | None = None
    redis: str | None = None  # without the password that the variable may hold
    kafka_protocol: Literal["PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT"] = "PLAINTEXT"
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    kafka_username: str | None = None
    kafka_password: SecretStr | None = None
    kafka_ca: Path | None = None
    kafka_cert: Path | None = None
    kafka_key: Path | None = None
    redis_password: SecretStr | None = None
    redis_ca: Path | None = None
    redis_cert: Path | None = None
    redis_key: Path | None = None
    ray: str | None = None
    replicas: dict[str, int] = {}
    cpus: dict[str, float] = {}
    partitions: int = PARTITIONS
    threads: int = os.cpu_count() or 1

    @field_validator("name")
    @classmethod
    def _plain_name(cls, value: str) -> str:
        if not value or not all(sign.isalnum() or sign in "-_" for sign in value):
            raise ValueError("letters, digits, - and _ only: it becomes part of topic names")
        return value

    @field_validator("replicas", "cpus", mode="before")
    @classmethod
    def _pairs(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
        if any(not sign for _, sign, _ in pairs):
            raise ValueError("expected pairs such as stem=2,knn=1")
        return {name.strip(): number.strip() for name, _, number in pairs}

    @field_validator("replicas", "cpus")
    @classmethod
    def _positive(cls, value: dict[str, float]) -> dict[str, float]:
        for component, number in value.items():
            if number <= 0:
                raise ValueError(f"{component} must be above 0")
        return value

    @field_validator("threads", "partitions")
    @classmethod
    def _at_least_one(cls, value: int) -> int:
        if value < 1:
            raise ValueError("at least 1")
        return value


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of an environment; empty variables count as not set.

    Raises:
        SettingsError: naming the variable, its value and what is wrong.

    >>> read_settings({"DERMTWIN_REPLICAS": "stem=2"}).replicas
    {'stem': 2}
    """
    given: dict[str, Any] = {
        field: environment[variable]
        for variable, (field, _) in VARIABLES.items()
        if environment.get(variable)
    }
    for variable in PASSWORDS:
        field = VARIABLES[variable][0]
        given.pop(field, None)
        password = password_of(environment, variable)
        if password is not None:
            given[field] = password
    if "redis" in given:
        given["redis"], password_in_url = without_password(given["redis"])
        if password_in_url is not None:
            if "redis_password" in given:
                raise SettingsError("REDIS_PASSWORD", "...", "REDIS_URL holds one, too")
            given["redis_password"] = SecretStr(password_in_url)
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        variable = next(name for name, (known, _) in VARIABLES.items() if known == field)
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise SettingsError(variable, environment[variable], reason) from error
    refuse_halves(environment)
    return settings


def settle(environment: MutableMapping[str, str]) -> None:
    """Make an environment one that children and actors can inherit.

    The password leaves REDIS_URL, which they get anew, for a variable of its own; files are named
    absolutely.

    Raises:
        SettingsError: REDIS_URL is no Redis URL.
    """
    if environment.get("REDIS_URL"):
        url, password = without_password(environment["REDIS_URL"])
        if password is not None and not environment.get("REDIS_PASSWORD"):
            environment.update(REDIS_URL=url, REDIS_PASSWORD=password)
    for variable in FILES:
        if environment.get(variable):
            environment[variable] = str(Path(environment[variable]).absolute())
