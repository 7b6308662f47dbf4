"""A log on a full disk loses lines, and stops nobody."""

import json
import sys
from pathlib import Path

import pytest

from services.logs import Lossy, open_log


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux'")
def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    full = Path("/dev/full").open("w")  # noqa: SIM115  closing it fails, too
    stream = Lossy(full)
    open_log(full).info("case", case_id="c1")
    stream.write("line\n")
    stream.flush()
    assert stream.lost
    with pytest.raises(OSError, match="No space left"):
        full.close()


def test_what_can_be_written_is(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        open_log(file).info("case", case_id="c1")
    assert json.loads((tmp_path / "log").read_text())["case_id"] == "c1"
