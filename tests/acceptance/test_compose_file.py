"""docker-compose.yml is for users and cannot be run here: it is parsed, and held to its word."""

from pathlib import Path

import yaml

from services.cli import app

COMPOSE = yaml.safe_load(Path("docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def test_it_runs_kafka_redis_ray_and_the_twin() -> None:
    assert {"kafka", "redis", "ray-head", "ray-worker", "worker", "api"} <= set(SERVICES)


def test_every_command_of_ours_exists() -> None:
    known = {str(command.callback.__name__) for command in app.registered_commands}
    for name in ("worker", "api"):
        words = " ".join(SERVICES[name]["command"]).split()
        assert words[words.index("dermtwin") + 1] in known


def test_images_are_pinned_and_passwords_have_no_default() -> None:
    for name, service in SERVICES.items():
        image = service.get("image")
        assert image is None or image.rpartition(":")[2].count("."), name
    assert ":?" in SERVICES["redis"]["environment"]["REDISCLI_AUTH"]


def test_nothing_is_published_beyond_the_loopback() -> None:
    for name, service in SERVICES.items():
        assert all(str(port).startswith("127.0.0.1:") for port in service.get("ports", [])), name


def test_services_wait_for_those_they_need() -> None:
    for name, service in SERVICES.items():
        for needed in service.get("depends_on", {}):
            assert "healthcheck" in SERVICES[needed], (name, needed)


def test_the_dockerfile_installs_the_lock_and_drops_root() -> None:
    lines = Path("Dockerfile").read_text().splitlines()
    assert any("--require-hashes -r requirements.lock" in each for each in lines)
    assert "USER dermtwin" in lines
