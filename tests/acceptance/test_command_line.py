"""The command line as a user meets it: in a process of its own, with wrong input, with Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from PIL import Image
from tiny_model import tiny_model

from services.artefacts import ArtefactStore

pytestmark = pytest.mark.slow

DERMTWIN = str(Path(sys.executable).parent / "dermtwin")
FIRST = Path("scenarios/first-clinic.yaml").resolve()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    return home


def environment(home: Path, **more: str) -> dict[str, str]:
    foreign = ("KAFKA_BOOTSTRAP_SERVERS", "REDIS_URL", "RAY_ADDRESS", "DERMTWIN_DATA")
    kept = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**kept, "DERMTWIN_HOME": str(home), **more}


def dermtwin(home: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DERMTWIN, *words],
        capture_output=True,
        text=True,
        timeout=240,
        env=environment(home, **more),
        check=False,
    )


def test_run_prints_one_json_object_and_nothing_else(home: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.yaml"
    small.write_text(FIRST.read_text().replace("count: 200", "count: 20"))
    ran = dermtwin(home, "run", str(small), "--model", tiny_model().model_id, "--json")
    assert ran.returncode == 0, ran.stderr
    summary = json.loads(ran.stdout)
    assert {"cases", "verdicts", "digest", "cases_per_s", "wall_s", "run_dir"} <= set(summary)
    assert (summary["cases"], summary["verdicts"], summary["mirror"]["equal"]) == (20, 20, True)
    assert "patients" in ran.stderr


def test_score_tells_the_good_from_the_unreadable(home: Path, tmp_path: Path) -> None:
    good, broken = tmp_path / "good.png", tmp_path / "broken.png"
    Image.new("RGB", (224, 224), (200, 150, 130)).save(good)
    broken.write_bytes(b"no image")
    ran = dermtwin(home, "score", str(good), str(broken), str(tmp_path / "none.jpg"), "--json")
    assert ran.returncode == 0, ran.stderr
    scored, unreadable, absent = json.loads(ran.stdout)["images"]
    assert 0 <= scored["p_malignant"] <= 1
    assert len(scored["log_odds"]) == 6
    assert "not an image" in unreadable["error"]
    assert "No such file" in absent["error"]
    assert dermtwin(home, "score", str(broken)).returncode == 1


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["run", "no/such.yaml"], 2, "no/such.yaml"),
        (["run", str(FIRST), "--route", "pigeon"], 2, "pigeon"),
        (["run", str(FIRST), "--batch", "0"], 2, "batch"),
        (["run", str(FIRST), "--model", "nothing"], 1, "no such model"),
        (["train", "--data", "no/such/dir"], 1, "no/such/dir"),
        (["train"], 2, "DERMTWIN_DATA"),
        (["status"], 1, "dermtwin up"),
        (["feedback", "c1", "benign"], 1, "dermtwin up"),
        (["stacks", "rollback", "0"], 1, "dermtwin up"),
        (["up", "--scenario", "no/such.yaml"], 2, "no/such.yaml"),
        (["fly"], 2, "fly"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line_with_a_named_code(
    home: Path, words: list[str], code: int, told: str
) -> None:
    ran = dermtwin(home, *words)
    assert ran.returncode == code, ran.stderr
    assert told in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_a_wrong_scenario_is_told_with_line_key_and_nearest_key(home: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(FIRST.read_text().replace("rate_per_h: 6", "rate_per_hour: 6"))
    line = 1 + wrong.read_text().splitlines().index(
        next(each for each in wrong.read_text().splitlines() if "rate_per_hour" in each)
    )
    ran = dermtwin(home, "run", str(wrong))
    assert ran.returncode == 2
    shown = " ".join(ran.stderr.split())
    assert f"wrong.yaml:{line}" in shown.replace(" ", "")
    assert "rate_per_h'?" in shown
    assert not (home / "runs").exists() or not any((home / "runs").glob("wrong*"))


def test_a_directory_with_one_class_is_told(home: Path, tmp_path: Path) -> None:
    for label in ("benign", "malignant"):
        (tmp_path / "data" / label).mkdir(parents=True)
    Image.new("RGB", (224, 224)).save(tmp_path / "data" / "benign" / "1.png")
    ran = dermtwin(home, "train", "--data", str(tmp_path / "data"))
    assert ran.returncode == 1
    assert "malignant" in ran.stderr


def test_a_model_with_one_byte_changed_is_refused(tmp_path: Path) -> None:
    directory = ArtefactStore(tmp_path).save(tiny_model())
    meta = directory / "meta.json"
    meta.write_bytes(meta.read_bytes().replace(b"0", b"1", 1))
    image = tmp_path / "good.png"
    Image.new("RGB", (224, 224)).save(image)
    ran = dermtwin(tmp_path, "score", str(image))
    assert ran.returncode == 1
    assert "meta.json" in ran.stderr


def test_a_real_server_that_is_not_there_is_named(home: Path) -> None:
    ran = dermtwin(
        home,
        "run",
        str(FIRST),
        "--model",
        tiny_model().model_id,
        KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1",
    )
    assert ran.returncode == 1
    assert "127.0.0.1:1" in ran.stderr


def test_doctor_finds_this_machine_well_and_keeps_passwords_to_itself(home: Path) -> None:
    assert dermtwin(home, "doctor").returncode == 0
    ill = dermtwin(home, "doctor", "--json", REDIS_URL="redis://:secret@127.0.0.1:1/0")
    assert ill.returncode == 1
    assert "secret" not in ill.stdout + ill.stderr
    broken = [check for check in json.loads(ill.stdout)["checks"] if not check["ok"]]
    assert [check["name"] for check in broken] == ["REDIS_URL"]


class Up:
    """A `dermtwin up` in a session of its own, as in a terminal."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [DERMTWIN, "up", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(home),
            start_new_session=True,
        )
        assert self.process.stdout is not None
        text = ""
        while not text.endswith("}\n"):
            line = self.process.stdout.readline()
            assert line, "it ended"
            text += line
        self.addresses = json.loads(text)


def servers_below(process: psutil.Process) -> list[psutil.Process]:
    return [
        child
        for child in process.children(recursive=True)
        if child.name().startswith(("tansu", "valkey")) or "--with-parent" in child.cmdline()
    ]


def gone(processes: list[psutil.Process], within_s: float = 20.0) -> bool:
    _, alive = psutil.wait_procs(processes, within_s)
    return not alive


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_up_leaves_no_process_behind_however_it_ends(
    home: Path, sent: signal.Signals, code: int
) -> None:
    up = Up(home)
    servers = servers_below(psutil.Process(up.process.pid))
    assert len(servers) == 5  # broker, Redis, worker, mirror, API
    shown = dermtwin(home, "status", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["age_s"] < 5
    if sent is signal.SIGINT:
        os.killpg(up.process.pid, sent)  # as a terminal does
    else:
        up.process.send_signal(sent)
    up.process.communicate(timeout=60)
    assert up.process.returncode == code
    assert gone(servers)
    time.sleep(0.2)
    assert dermtwin(home, "status").returncode == 1


def test_ctrl_c_ends_a_run_with_its_code_and_no_server_behind(home: Path) -> None:
    process = subprocess.Popen(
        [DERMTWIN, "run", str(FIRST), "--model", tiny_model().model_id],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(home),
        start_new_session=True,
    )
    family = psutil.Process(process.pid)
    deadline_s = time.monotonic() + 60
    servers: list[psutil.Process] = []
    while len(servers) < 2 and time.monotonic() < deadline_s:
        servers = [
            p for p in family.children(recursive=True) if p.name().startswith(("tansu", "valkey"))
        ]
        time.sleep(0.1)
    assert len(servers) == 2
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=90)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert gone(servers)
