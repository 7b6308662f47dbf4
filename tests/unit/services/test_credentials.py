from pathlib import Path

import pytest

from services.config import PASSWORDS, VARIABLES, read_settings, settle
from services.credentials import without_password
from twin.errors import SettingsError

KAFKA = {"KAFKA_BOOTSTRAP_SERVERS": "k:9092"}
SASL = KAFKA | {
    "KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
    "KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
    "KAFKA_SASL_USERNAME": "twin",
    "KAFKA_SASL_PASSWORD": "s3cret",
}
REDIS = {"REDIS_URL": "rediss://cache:6380/0"}


def test_a_password_comes_from_a_variable_a_file_or_the_url(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret\n")
    for environment in (
        REDIS | {"REDIS_PASSWORD": "s3cret"},
        REDIS | {"REDIS_PASSWORD_FILE": str(file)},
        {"REDIS_URL": "rediss://:s3cret@cache:6380/0"},
    ):
        settings = read_settings(environment)
        assert settings.redis_password is not None
        assert settings.redis_password.get_secret_value() == "s3cret"
        assert settings.redis == REDIS["REDIS_URL"]
        assert "s3cret" not in f"{settings!r} {settings} {settings.model_dump_json()}"
    settings = read_settings(SASL)
    assert settings.kafka_password is not None
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "empty"), (b"\n", "empty"), (b"s3cret\nb", "more than one line"), (b"\xff", "UTF-8")],
)
def test_a_file_that_holds_no_password_is_refused(tmp_path: Path, content, words) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(REDIS | {"REDIS_PASSWORD_FILE": str(file)})
    assert caught.value.args[0] == "REDIS_PASSWORD_FILE"
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SettingsError, match=r"REDIS_PASSWORD_FILE=.*No such file"):
        read_settings(REDIS | {"REDIS_PASSWORD_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("environment", "variable", "words"),
    [
        ({"REDIS_PASSWORD": "s3cret"}, "REDIS_PASSWORD", "belongs to REDIS_URL"),
        ({"KAFKA_SSL_CAFILE": "x"}, "KAFKA_SSL_CAFILE", "belongs to KAFKA_BOOTSTRAP_SERVERS"),
        ({"REDIS_URL": "redis://:s3cret@h/0", "REDIS_PASSWORD": "s3cret"}, "REDIS_PASSWORD", "too"),
        (
            REDIS | {"REDIS_PASSWORD": "s3cret", "REDIS_PASSWORD_FILE": "x"},
            "REDIS_PASSWORD_FILE",
            "t",
        ),
        ({"REDIS_URL": "redis://h/0", "REDIS_SSL_CAFILE": "x"}, "REDIS_SSL_CAFILE", "rediss://"),
        (REDIS | {"REDIS_SSL_CAFILE": "none"}, "REDIS_SSL_CAFILE", "no such file"),
        (REDIS | {"REDIS_SSL_KEYFILE": __file__}, "REDIS_SSL_CERTFILE", "KEYFILE needs it"),
        ({"REDIS_URL": "http://:s3cret@h"}, "REDIS_URL", "expected redis://"),
        ({"REDIS_URL": "s3cret"}, "REDIS_URL", "expected redis://"),
        ({"REDIS_URL": "redis://h?password=s3cret"}, "REDIS_URL", "password has no place"),
        ({"REDIS_URL": "rediss://h?ssl_cert_reqs=none"}, "REDIS_URL", "ssl_cert_reqs has no place"),
        (KAFKA | {"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL", "SASL_SSL"),
        (SASL | {"KAFKA_SASL_PASSWORD": ""}, "KAFKA_SASL_PASSWORD", "needs it"),
        (SASL | {"KAFKA_SASL_MECHANISM": "GSSAPI"}, "KAFKA_SASL_MECHANISM", "PLAIN"),
        (SASL | {"KAFKA_SECURITY_PROTOCOL": ""}, "KAFKA_SASL_MECHANISM", "is not SASL_SSL"),
        (KAFKA | {"KAFKA_SSL_CAFILE": "x"}, "KAFKA_SSL_CAFILE", "is not SASL_SSL or SSL"),
        (
            SASL | {"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN"},
            "KAFKA_SASL_MECHANISM",
            "would send the password as it is",
        ),
    ],
)
def test_what_would_be_ignored_or_fail_later_is_refused_by_name(environment, variable, words):
    with pytest.raises(SettingsError, match=words) as caught:
        read_settings(environment)
    assert caught.value.args[0] == variable
    cause = caught.value.__cause__
    assert "s3cret" not in f"{caught.value} {cause}"


def test_every_secret_may_come_from_a_file() -> None:
    secrets = {name for name in VARIABLES if "PASSWORD" in name and not name.endswith("_FILE")}
    assert secrets == set(PASSWORDS)
    assert {f"{name}_FILE" for name in PASSWORDS} <= set(VARIABLES)


def test_children_inherit_the_password_when_they_get_another_url(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ca.pem").touch()
    environment = {"REDIS_URL": "rediss://u:s%233cret@h:1/0", "REDIS_SSL_CAFILE": "ca.pem"}
    settle(environment)
    assert environment["REDIS_URL"] == "rediss://u@h:1/0"
    assert environment["REDIS_SSL_CAFILE"] == str(tmp_path / "ca.pem")
    settings = read_settings(environment)
    assert settings.redis_password is not None
    assert settings.redis_password.get_secret_value() == "s#3cret"
    assert without_password("redis://[::1]:6379/0") == ("redis://[::1]:6379/0", None)
