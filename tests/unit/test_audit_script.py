"""`make audit` says that all is well only where the service told of every package."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

WELL = {"name": "a", "version": "1", "vulns": []}
WEAK = {"name": "b", "version": "2", "vulns": [{"id": "CVE-2026-1", "fix_versions": ["3"]}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("packages", "code", "words"),
    [
        ([WELL], 0, "nothing is known against the 1 packages"),
        ([WELL, WEAK], 1, "b 2: CVE-2026-1, mended in 3"),
        ([WELL, SKIPPED], 2, "did not tell of 1 of 2 packages: not found"),
        ([WEAK, SKIPPED], 1, "did not tell of 1 of 2"),
        ([], 2, "it named none"),
        (None, 2, "could not be asked: no route to the service"),
    ],
)
def test_what_the_service_told_becomes_words_and_an_exit_code(
    tmp_path: Path, packages, code, words
) -> None:
    """A stand-in for pip-audit: what it is asked is its own business, how it answers is ours."""
    program = tmp_path / "pip-audit"
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    program.write_text(
        f"#!{sys.executable}\nimport sys\nassert '--require-hashes' in sys.argv\n"
        f"sys.stdout.write({answer!r})\nsys.stderr.write('no route to the service')\n"
    )
    program.chmod(0o755)
    done = subprocess.run(
        [sys.executable, ".ci/audit.py", str(program)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert words in done.stdout + done.stderr
