"""Engine, worker, re-stacker and mirror on real servers, and one whole run with a small model."""

from pathlib import Path

from test_loop_over_kafka import *
from test_one_log_three_routes import run
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from services.config import Settings


def test_a_run_over_kafka_has_the_digest_of_a_run_in_process(
    kafka_servers: str, redis_url: str, tmp_path: Path
) -> None:
    ArtefactStore(tmp_path).save(tiny_model())
    settings = Settings(home=tmp_path, kafka=kafka_servers, redis=redis_url)
    summary = run(settings, "kafka", 8)
    assert (summary["cases"], summary["verdicts"], summary["degraded"]) == (30, 30, [])
    assert summary["mirror"]["equal"]
    assert summary["digest"] == run(settings, "inprocess", 64)["digest"]
