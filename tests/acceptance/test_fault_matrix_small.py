"""The fault matrix in small: two faults, once each, on embedded servers and a tiny model."""

import io
from pathlib import Path

from tiny_model import tiny_model

from benchmarks.fault_bench import bench
from benchmarks.fault_cases import BY_NAME
from benchmarks.fault_matrix import markdown, rows
from services.artefacts import ArtefactStore
from services.logs import open_log


def test_two_faults_lose_nothing_and_the_steady_state_comes_back(tmp_path: Path) -> None:
    home = tmp_path / "home"
    model = tiny_model()
    ArtefactStore(home).save(model)
    log = open_log(io.StringIO())
    with bench("embedded", tmp_path / "bench", model, home, log, 4.0) as made:
        runs = [made.run(BY_NAME[name], 0) for name in ("kill mirror", "send corrupt")]

    assert [run.words for run in runs] == [[], []]
    assert all(run.audit["answered"] == run.audit["sent"] > 20 for run in runs)
    assert 0 < runs[0].outcome["recovered_s"] < 60
    assert [run.letters for run in runs] == [0, 16]
    table = rows(runs)
    assert [row["pass"] for row in table] == [True, True]
    assert markdown(table).count("\n") == 3
