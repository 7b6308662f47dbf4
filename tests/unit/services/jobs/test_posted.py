"""Scenarios that are posted: what harms is refused fast, and nothing asks for too much."""

import os
import resource
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from services.jobs.bounds import Bounds
from services.jobs.catalogue import Catalogue, scenarios_folder
from services.jobs.checking import look_over
from services.jobs.environment import environment_of_jobs
from services.jobs.posted import Checker, RefusedError
from twin.errors import SettingsError

SCENARIOS = Path("scenarios").resolve()
CHEAP = "extends: call-centre.yaml\nname: x\n"
HOSTILE = {
    "tag": "name: !!python/object/apply:os.system ['touch /tmp/hit']\n",
    "tag of a key": "? !!python/name:os.system x\n: 1\n",
    "bomb": "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]\n",
    "merge": "a: &a {x: 1}\nb: {<<: *a}\n",
    "deep lists": "a: " + "[" * 100_000,
    "deep mappings": "a: " + "{a: " * 60_000,
    "deep blocks": "".join(" " * depth + "a:\n" for depth in range(600)),
    "many items": "a: [" + "1," * 120_000 + "1]\n",
    "many keys": "".join(f"k{number}: 1\n" for number in range(20_000)),
    "huge": "name: " + "x" * 2**18,
    "huge number": "seed: " + "9" * 200_000 + "\n",
    "twice": "name: x\nname: y\n",
    "two documents": "name: x\n---\nname: y\n",
    "no mapping": "- 1\n- 2\n",
    "control": "name: \x07\n",
    "surrogate": "name: \ud800\n",
    "escaped surrogate": 'name: x\nabout: "\\ud800"\n',
    "key with a surrogate": '"\\ud800": 1\n',
    "nothing": "",
}


def asked(text: str, **more: Any) -> dict[str, Any]:
    use = more.pop("use", {"kind": "run"})
    overrides = more.pop("overrides", [])
    bounds = asdict(Bounds(**more))
    return {"text": text, "name": "posted", "overrides": overrides, "bounds": bounds, "use": use}


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(SCENARIOS)


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_made_to_harm_is_refused_fast_in_little_memory(what: str) -> None:
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started_s = time.process_time()
    found = look_over(asked(HOSTILE[what]))
    assert time.process_time() - started_s < 1.0
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 64 * 1024
    assert found["errors"], what
    assert set(found["errors"][0]) == {"source", "line", "key", "value", "message"}


@pytest.mark.parametrize(
    ("text", "more", "key", "word"),
    [
        ("horizon: 10 h\nreplications: 1001\n", {}, "replications", "1001 runs"),
        ("horizon: 6400 h\nreplications: 1000\n", {}, "arrivals", "patients"),
        ("sweep: {staff.agent: [9, 10, 11]}\n", {"runs": 25}, "replications", "30 runs"),
        ("sweep: {staff.agent: [9, 10], seed: [1, 2]}\n", {"runs": 3}, "sweep", "4 points"),
        ("sweep: {seed: [1, 2]}\n", {"use": {"kind": "attach"}}, "sweep", "leave it out"),
        ("clock: real\nspeed: 0.001\n", {}, "speed", "h on the wall clock"),
        ("model: {id: /etc}\n", {}, "model.id", "no id of a model"),
        ("seed: 2\n", {"overrides": ["model={id: ../models/x}"]}, "model.id", "no id"),
        ("horizon: 800 h\n", {"use": {"kind": "attach"}}, "cases", "images"),
        (
            "seed: 2\n",
            {"use": {"kind": "forecast", "futures": 400, "horizon_min": 60_000}},
            "arrivals",
            "patients",
        ),
    ],
)
def test_more_than_the_server_takes_is_refused(
    text: str, more: dict[str, Any], key: str, word: str
) -> None:
    [one] = look_over(asked(CHEAP + text, **more))["errors"]
    assert one["key"] == key
    assert word in one["message"]


def test_images_are_counted_wherever_they_come_from() -> None:
    text = "extends: label-noise.yaml\nname: x\n"
    assert "errors" not in look_over(asked(text))
    for more in ("model: {cases: 60000}\n", "cases: {bank: 60000}\n"):
        [one] = look_over(asked(text + more))["errors"]
        assert one["key"] == "cases"


def test_what_is_sound_stands_alone() -> None:
    found = look_over(asked("extends: replayed-week.yaml\nname: mine\n"))
    assert found["facts"]["scenario"] == "mine"
    assert found["facts"]["runs_most"] == 20
    assert "file:" not in found["text"]
    assert "extends" not in found["text"]


@pytest.mark.parametrize(
    "name", ["million-patients", "isic-bank", "isic-clinic", "threshold-sweep", "drift-detectors"]
)
def test_the_largest_scenarios_of_the_repository_may_be_run(name: str) -> None:
    assert "errors" not in look_over(asked((SCENARIOS / f"{name}.yaml").read_text()))


def test_the_process_that_looks_is_ended_when_it_takes_too_long(tmp_path: Path) -> None:
    theirs = environment_of_jobs({**os.environ, "PYTHONPATH": str(SCENARIOS.parent)}, tmp_path)
    checker = Checker(Catalogue(SCENARIOS), theirs, cpu_s=1)
    values = ",".join(str(number) for number in range(5, 4_000))
    with pytest.raises(RefusedError) as caught:
        checker.check(CHEAP + f"sweep: {{seed: [{values}]}}\n")
    assert "takes more than 1 s" in caught.value.errors[0]["message"]
    assert checker.check("call-centre", ["staff.agent=11"]).facts["scenario"] == "call-centre"
    for name in ("nothing", "../scenarios/call-centre", "data/README.md", "/etc/passwd"):
        with pytest.raises(RefusedError) as caught:
            checker.check(name)
        assert "neither YAML nor the name" in caught.value.errors[0]["message"]


def test_without_a_folder_no_file_is_in_reach(tmp_path: Path) -> None:
    theirs = environment_of_jobs({**os.environ, "PYTHONPATH": str(SCENARIOS.parent)}, tmp_path)
    checker = Checker(Catalogue(None), theirs)
    with pytest.raises(RefusedError) as caught:
        checker.check(CHEAP)
    assert caught.value.errors[0]["key"] == "extends"


def test_links_out_of_the_folder_have_no_name(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "secret.yaml").write_text("name: secret\n")
    (tmp_path / "in" / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (tmp_path / "in" / "broken.yaml").write_text("a: [\n")
    catalogue = Catalogue((tmp_path / "in").resolve())
    assert catalogue.text_of("link") is None
    [broken] = catalogue.all()
    assert broken["name"] == "broken"
    assert "not readable as YAML" in broken["problem"]


def test_a_folder_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no directory"):
        scenarios_folder(tmp_path / "gone")
    assert scenarios_folder(tmp_path) == tmp_path.resolve()
