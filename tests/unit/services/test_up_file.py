"""The note of a twin that is up, also after kill -9."""

import json
import os
import subprocess
import sys

import pytest

from services.upfile import UpFile
from twin.errors import DependencyError


def note(tmp_path, **changes):
    """What a twin of this process would leave, with changes."""
    with UpFile(tmp_path).hold({"prefix": "p"}):
        kept = json.loads((tmp_path / "up.json").read_text())
    (tmp_path / "up.json").write_text(json.dumps(kept | changes))


def test_one_that_is_up_is_found_and_keeps_others_out(tmp_path):
    with UpFile(tmp_path).hold({"prefix": "p"}):
        found = UpFile(tmp_path).read()
        assert found is not None and (found["prefix"], found["pid"]) == ("p", os.getpid())
        with pytest.raises(DependencyError, match=f"process {os.getpid()}"):
            UpFile(tmp_path).ensure_free()
    assert UpFile(tmp_path).read() is None


def test_a_process_id_that_is_anothers_by_now_is_no_twin(tmp_path):
    note(tmp_path, since_unix_s=1.0)
    assert UpFile(tmp_path).read() is None
    with UpFile(tmp_path).hold({"prefix": "mine"}):
        assert UpFile(tmp_path).read()["prefix"] == "mine"


def test_a_process_that_is_gone_or_only_not_buried_is_no_twin(tmp_path):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    note(tmp_path, pid=child.pid)
    kept = json.loads((tmp_path / "up.json").read_text())
    del kept["since_unix_s"]  # as earlier versions wrote it
    (tmp_path / "up.json").write_text(json.dumps(kept))
    assert UpFile(tmp_path).read() is not None
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert UpFile(tmp_path).read() is None
    child.wait()
    assert UpFile(tmp_path).read() is None


@pytest.mark.parametrize("half", ["", "{", '{"prefix": "p"}', "[]"])
def test_half_a_note_is_no_twin(tmp_path, half):
    (tmp_path / "up.json").write_text(half)
    assert UpFile(tmp_path).read() is None
