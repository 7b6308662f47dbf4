"""What docker-compose.yml runs, run here: its own commands, environment and health checks.

All of it, Ray cluster and workers included: `python -m benchmarks.compose`.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import psutil
import pytest
from tls_servers import missing

from benchmarks.compose import ROOT, Composed, in_order

pytestmark = pytest.mark.slow


def test_redis_mirror_and_api_run_as_the_file_says(kafka_servers: str) -> None:
    if shutil.which("redis-server") is None:
        missing("no redis-server (Debian: apt-get install redis-server)")
    with (
        tempfile.TemporaryDirectory(prefix="dtc") as made,
        Composed(Path(made), kafka_servers) as up,
    ):
        up.start("redis")
        up.await_well("redis")
        assert up.check("mirror").returncode == 1  # none has written yet
        up.start("mirror")
        # As the file tells: without a key, the API does not start for others than this machine.
        command = ["0.0.0.0" if word == "127.0.0.1" else word for word in up.place.command("api")]  # noqa: S104
        environment = up.environment("api")
        refused = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert refused.returncode == 2 and "dermtwin keys create" in refused.stderr
        up.start("api")
        up.await_well("mirror")
        up.await_well("api")
        arguments = [
            word
            for process in up.processes.values()
            for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children())
            for word in one.cmdline()
        ]
        output = [up.output(service) for service in up.processes]
        files = [
            one.read_text(errors="replace")
            for one in (up.folder / "home").rglob("*")
            if one.is_file()
        ]
        assert not any(up.password in text for text in (*arguments, *output, *files))


def test_services_start_after_those_they_need(tmp_path: Path) -> None:
    file = Composed(tmp_path, "127.0.0.1:9").file
    order = in_order(file, list(file.services))
    assert order.index("redis") < order.index("worker")
    assert order.index("model") < order.index("ray-worker") < order.index("worker")
