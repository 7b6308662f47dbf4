"""What is installed: held by hashes, with known licences."""

import re
import tomllib
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

LOCK = Path("requirements.lock").read_text()
REQUIREMENTS = [
    line for line in LOCK.replace("\\\n", " ").splitlines() if line.strip() and line[0] != "#"
]
# Permissive ones, and those whose terms end at their own files (LGPL as a library, MPL): nothing of
# them is changed or copied here. docs/security.md lists them.
LICENCES = re.compile(
    r"MIT|BSD|0BSD|Apache|ISC|PSF|Python Software Foundation|Zlib|CC0|Unlicense"
    r"|LGPL|Lesser General Public|MPL|Mozilla Public"
)
FORBIDDEN = re.compile(r"(?<!Lesser )General Public|(?<!L)GPL|AGPL|Affero|SSPL|Commons Clause|BUSL")


def _name(text: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[=\[;<>~! ]", text)[0]).lower()


def _licence(of: Distribution) -> str:
    """Return what a distribution says of its licence, or how its licence file begins."""
    told = of.metadata
    found = [told.get("License-Expression") or ""]
    found += [one for one in told.get_all("Classifier") or [] if one.startswith("License ::")]
    if not any(found):
        found.append((told.get("License") or "")[:100])
    if not any(found):
        files = [one for one in of.files or [] if "LICEN" in one.name.upper()]
        found += [one.read_text()[:200] for one in files]
    return " ".join(filter(None, found))


def test_every_requirement_is_pinned_by_hashes_and_none_is_an_address() -> None:
    assert len(REQUIREMENTS) > 100
    for line in REQUIREMENTS:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z0-9,-]+\])?==[^ ]+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line
    assert not re.search(r"https?:|git\+|file:|--(extra-)?index-url|--trusted-host| @ ", LOCK)


def test_whatever_the_project_asks_for_is_in_the_lock() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())
    locked = {_name(line) for line in REQUIREMENTS}
    asked = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    asked += project["build-system"]["requires"]
    assert {_name(one) for one in asked} - locked == set()


def test_licences_of_all_that_is_installed_are_known_and_may_be_used() -> None:
    locked = {_name(line) for line in REQUIREMENTS}
    found = {_name(one.metadata["Name"]): _licence(one) for one in distributions()}
    found = {name: licence for name, licence in found.items() if name in locked}
    assert len(found) > 100
    wrong = {
        name: licence
        for name, licence in found.items()
        if not LICENCES.search(licence) or FORBIDDEN.search(licence)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("licence", "may_be_used"),
    [
        ("MIT License", True),
        ("GNU Lesser General Public License v2 or later (LGPLv2+)", True),
        ("GNU General Public License v3 (GPLv3)", False),
        ("AGPL-3.0-only", False),
        ("GPL-2.0", False),
        ("Proprietary", False),
    ],
)
def test_licences_are_told_apart(licence: str, may_be_used: bool) -> None:
    assert bool(LICENCES.search(licence) and not FORBIDDEN.search(licence)) is may_be_used
