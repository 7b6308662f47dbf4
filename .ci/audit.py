"""Looks up requirements.lock at an advisory service: `make audit`.

    python .ci/audit.py PIP-AUDIT [OPTION ...]

Options are pip-audit's, such as `--vulnerability-service osv`. Exit codes: 0 nothing is known
against any package, 1 something is, 2 the service did not tell of all, so it says nothing of those.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
CLEAN, FOUND, UNASKED = 0, 1, 2
_NEEDS: Final = (
    "`make audit` needs the internet, where pip-audit's advisory service is (another one with"
    " --vulnerability-service osv); a mirror of packages has no advisories\n"
)


def main(words: list[str]) -> int:
    """Run pip-audit on the lock; return the exit code."""
    program, *options = words
    # Of the lock alone: nothing is resolved or installed, and each file has its hash.
    command = [program, "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    done = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off", *options],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        sys.stderr.write(f"the advisory service could not be asked: {last}\n{_NEEDS}")
        return UNASKED
    skipped = [one for one in told if "skip_reason" in one]
    weak = [one for one in told if one.get("vulns")]
    for one in weak:
        for each in one["vulns"]:
            mended = ", ".join(each.get("fix_versions") or ()) or "no version yet"
            sys.stdout.write(f"{one['name']} {one['version']}: {each['id']}, mended in {mended}\n")
    if skipped or not told:
        why = skipped[0]["skip_reason"] if skipped else "it named none"
        sys.stderr.write(
            f"the advisory service did not tell of {len(skipped)} of {len(told)} packages: {why}\n"
        )
        sys.stderr.write(_NEEDS)
    if weak:
        return FOUND
    if skipped or not told:
        return UNASKED
    sys.stderr.write(f"nothing is known against the {len(told)} packages of requirements.lock\n")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
