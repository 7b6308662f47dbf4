"""A Ray that the twin starts listens to this machine alone, and who is on it can join."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
OTHER = """
import sys
from actors.cluster import start_ray, stop_ray
assert start_ray(sys.argv[1], 1.0) == sys.argv[1]
stop_ray()
"""
# In a process of its own: whatever listens below it was started by this program.
PROGRAM = (
    f"OTHER = {OTHER!r}"
    + """
import json, os, subprocess, sys
import psutil
before = dict(os.environ)
from actors.cluster import start_ray, stop_ray
address = start_ray(None, 1.0, cores=1)
# As a child, and from another shell: `RAY_AUTH_MODE=token RAY_ADDRESS=... dermtwin worker`.
for environment in (dict(os.environ), before | {"RAY_AUTH_MODE": "token"}):
    subprocess.run([sys.executable, "-c", OTHER, address], env=environment, check=True)
found = []
for one in psutil.Process().children(recursive=True):
    for each in one.net_connections("inet"):
        if each.status == psutil.CONN_LISTEN:
            found.append((one.name(), each.laddr.ip))
stop_ray()
assert dict(os.environ).get("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER") is None
print(json.dumps(found))
"""
)


def test_ray_listens_to_this_machine_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert {"raylet", "gcs_server"} <= {name for name, _ in found}
    loopback = ("127.", "::1", "::ffff:127.")
    assert [one for one in found if not one[1].startswith(loopback)] == []
