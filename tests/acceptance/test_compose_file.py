"""docker-compose.yml and Dockerfile cannot be run without Docker: they are parsed and held to their
word, and what they run is run here."""

import re
import shlex
from pathlib import Path

import pytest

from benchmarks.compose_file import ComposeFile
from services.cli import app
from services.config import VARIABLES

FILE = Path("docker-compose.yml")
COMPOSE = ComposeFile(FILE, {"REDIS_PASSWORD_FILE": "./secrets/redis_password"})
SERVICES = COMPOSE.services
OURS = ("model", "ray-head", "ray-worker", "worker", "restacker", "mirror", "api")
DOCKERFILE = Path("Dockerfile").read_text()


def test_it_runs_servers_a_ray_cluster_and_every_part_of_the_twin() -> None:
    assert set(SERVICES) == {"kafka", "redis", *OURS}


def test_every_command_of_ours_exists_with_its_options() -> None:
    commands = {str(one.callback.__name__): one.callback for one in app.registered_commands}
    named = set()
    for name in OURS:
        checks = SERVICES[name]["healthcheck"].get("test", [])
        for text in (" ".join(SERVICES[name]["command"]), " ".join(checks)):
            for found in re.finditer(r"dermtwin (\w+)([^&|;>]*)", text):
                named.add(found[1])
                known = set(commands[found[1]].__annotations__)
                options = re.findall(r"--([a-z-]+)", found[2])
                spelled = {"json": "as_json"}
                for option in options:
                    assert spelled.get(option, option.replace("-", "_")) in known, (name, option)
    assert named == {"run", "worker", "restacker", "mirror", "api", "status"}


def test_variables_of_ours_are_known_to_us() -> None:
    for name in OURS:
        others = {"DERMTWIN_SCENARIO"}  # put into the commands by the shell
        assert set(SERVICES[name]["environment"]) - others <= set(VARIABLES), name


def test_images_are_pinned_to_a_full_version() -> None:
    base = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = [one["image"] for one in SERVICES.values()] + base
    for image in images:
        assert re.fullmatch(r"\d+\.\d+\.\d+.*", image.rpartition(":")[2]), image
    assert len(set(base)) == 1


def test_there_is_no_password_in_the_file_and_none_by_default() -> None:
    with pytest.raises(KeyError, match="set REDIS_PASSWORD_FILE"):
        ComposeFile(FILE, {})
    secret = "/run/secrets/redis_password"  # noqa: S105  where it is
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if "PASSWORD" in variable:
                assert value == secret, (name, variable)
        words = " ".join(service.get("command", []))
        assert "requirepass" not in words.replace(f"requirepass $(cat {secret})", ""), name
        assert "redis_password" not in words or service["secrets"] == ["redis_password"]


def test_nothing_is_published_beyond_the_loopback_and_servers_are_inside() -> None:
    assert COMPOSE.document["networks"]["inside"] == {"internal": True}
    for name, service in SERVICES.items():
        ports = service.get("ports", [])
        assert all(str(port).startswith("127.0.0.1:") for port in ports), name
        assert service["networks"] == (["inside", "outside"] if name == "api" else ["inside"])
        assert "network_mode" not in service and not service.get("privileged")


def test_containers_may_do_little() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"] and service["cpus"] and service["pids_limit"], name
        assert service["read_only"] is (name != "kafka"), name
        assert service["restart"] == ("no" if name == "model" else "unless-stopped"), name


def test_whatever_is_written_has_a_place() -> None:
    """With a read-only root: volumes, and memory for what need not stay."""
    volumes = set(COMPOSE.document["volumes"])
    for name, service in SERVICES.items():
        mounted = {each.split(":")[0] for each in service["volumes"] if each[0] not in "./"}
        assert mounted and mounted <= volumes, name
        volumes_named = [each.split(":")[1] for each in service["volumes"]]
        if name in OURS:
            assert service["environment"]["DERMTWIN_HOME"] in volumes_named
            assert [each.split(":")[0] for each in service["tmpfs"]] == ["/tmp"]  # noqa: S108
    assert "HOME=/tmp" in DOCKERFILE
    for name in ("ray-head", "ray-worker", "worker"):
        assert SERVICES[name]["shm_size"]  # Ray's object store


def test_services_wait_for_those_they_need_and_all_tell_how_they_are() -> None:
    for name, service in SERVICES.items():
        check = service["healthcheck"]
        assert "test" in check or (name == "model" and check["disable"]), name
        for needed, how in service.get("depends_on", {}).items():
            done = "service_completed_successfully" if needed == "model" else "service_healthy"
            assert how["condition"] == done, (name, needed)


def test_the_dockerfile_installs_the_lock_in_a_stage_of_its_own_and_drops_root() -> None:
    _, build, run = DOCKERFILE.split("\nFROM ")
    assert "pip install --require-hashes -r requirements.lock" in build
    assert "pip" not in re.sub(r"#.*", "", run).replace("/opt/dermtwin", "")
    assert run.index("COPY --from=build") < run.index("USER dermtwin")
    assert "USER root" not in run
    copied = {
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in shlex.split(line)[1:-1]
    }
    allowed = {
        line[1:] for line in Path(".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    assert copied == allowed
    assert all(Path(one).exists() for one in copied)
