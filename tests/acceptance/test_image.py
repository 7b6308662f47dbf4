"""What the Dockerfile does that can be done here: the wheel is built and installed by its words."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
RUNS = [
    shlex.split(line.removeprefix("RUN "))
    for line in (ROOT / "Dockerfile").read_text().splitlines()
    if line.startswith("RUN pip") and "-r requirements.lock" not in line
]


def _run(command: list[str], wheels: Path, *more: str) -> None:
    """Run a pip command of the Dockerfile, with a folder of ours in place of the image's."""
    words = []
    for word in command[1:]:
        ours = word.replace("/build/wheels", str(wheels))
        words += map(str, wheels.glob("*.whl")) if ours.endswith("*.whl") else [ours]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run(
        [sys.executable, "-m", "pip", *words, "--disable-pip-version-check", *more],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
    )


def test_the_image_has_all_of_the_program(tmp_path: Path) -> None:
    build, install = RUNS
    wheels, target = tmp_path / "wheels", tmp_path / "target"
    _run(build, wheels)
    (wheel,) = wheels.glob("dermtwin-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        has = set(archive.namelist())
    listed = subprocess.run(
        [str(shutil.which("git")), "ls-files", "twin", "actors", "simulator", "services"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert set(listed) - has == set()
    for wanted in (r"services/api/page/.*\.js", r"services/api/grafana/.*\.json", r".*\.css"):
        assert any(re.fullmatch(wanted, name) for name in has), wanted
    _run(install, wheels, "--target", str(target))
    # From an empty folder, with the installed program alone.
    shown = subprocess.run(
        [sys.executable, "-c", "import services.cli as c; print(c.__file__); c.main()", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.startswith(str(target)) and "restacker" in shown
