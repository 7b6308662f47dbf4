"""Settings: read from the environment once, frozen, and passed on as values."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from services.bus.port import PARTITIONS
from twin.errors import SettingsError

# Variable -> (field, what it is for); `dermtwin doctor` and the README's table are made from it.
VARIABLES: Final[dict[str, tuple[str, str]]] = {
    "DERMTWIN_HOME": ("home", "models and runs; ./.dermtwin if not set"),
    "DERMTWIN_DATA": ("data", "image directory that scenarios with `source: images` read"),
    "DERMTWIN_NAME": ("name", "prefix of topics and keys; dermtwin if not set"),
    "KAFKA_BOOTSTRAP_SERVERS": ("kafka", "Kafka to use; an embedded broker if not set"),
    "REDIS_URL": ("redis", "Redis to use; an embedded Valkey if not set"),
    "RAY_ADDRESS": ("ray", "Ray cluster to join; a local one is started if not set"),
    "DERMTWIN_REPLICAS": ("replicas", "actors per component, as stem=2,knn=1"),
    "DERMTWIN_CPUS": ("cpus", "CPU share per actor of a component, as stem=1,catboost=0.5"),
    "DERMTWIN_PARTITIONS": (
        "partitions",
        "partitions of topics that are made, the most workers that share the cases; 4 if not set",
    ),
    "DERMTWIN_THREADS": ("threads", "threads for training; the number of cores if not set"),
}


class Settings(BaseModel):
    """What the environment says. Field meanings stand in `VARIABLES`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Path(".dermtwin")
    data: Path | None = None
    name: str = "dermtwin"
    kafka: str | None = None
    redis: str | None = None
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
    given = {
        field: environment[variable]
        for variable, (field, _) in VARIABLES.items()
        if environment.get(variable)
    }
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        variable = next(name for name, (known, _) in VARIABLES.items() if known == field)
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise SettingsError(variable, environment[variable], reason) from error
