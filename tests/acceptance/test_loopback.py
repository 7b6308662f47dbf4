"""Whatever is started listens to this machine alone."""

import json
import subprocess
import sys

import pytest

from services.cli import app

pytestmark = pytest.mark.slow
# In a process of its own: whatever listens below it was started by this program.
PROGRAM = """
import ipaddress, json, psutil, ray
from actors.cluster import start_ray, stop_ray
from services.embedded.servers import EmbeddedServers
with EmbeddedServers():
    start_ray(None, 1.0, cores=1)
    found = []
    for one in psutil.Process().children(recursive=True):
        for each in one.net_connections("inet"):
            if each.status == psutil.CONN_LISTEN:
                found.append((one.name(), each.laddr.ip))
    stop_ray()
print(json.dumps(found))
"""


def test_embedded_servers_and_ray_listen_to_this_machine_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"valkey-server", "raylet", "gcs_server"} <= {name for name, _ in found}
    open_to_others = {
        (name, address) for name, address in found if not address.startswith(("127.", "::1"))
    }
    assert open_to_others == set()


def test_the_api_listens_to_this_machine_unless_told_otherwise() -> None:
    import inspect

    for command in app.registered_commands:
        options = inspect.signature(command.callback).parameters
        if "host" in options:
            assert options["host"].default == "127.0.0.1", command.callback
