"""From a verdict's publication on Kafka to its being visible in Redis.

Both ends are stamped on this machine, in whole milliseconds: Kafka records carry the producer's
time, and an entry in the mirror's stream of changes the time at which its batch was folded, some
milliseconds before it is written. Gate: p99 at
most 100 ms. Cases come at a steady 20 a second, then all at once.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import redis

from services.artefacts import ArtefactStore
from services.config import read_settings
from services.live import ground, live_twin
from services.logs import open_log
from services.parts import parts_of
from simulator.cases.datasets import load_images
from twin.events import CaseArrived

CASES = 300


def measure(model_id: str, data: Path) -> dict[str, Any]:
    """Stream images through a live twin and compare the two stamps of each verdict."""
    settings = read_settings({**os.environ, "DERMTWIN_DATA": str(data)})
    model = ArtefactStore(settings.home).load(model_id)
    images = load_images(data, split="test")[: 2 * CASES]
    delays: dict[str, list[float]] = {"steady": [], "burst": []}
    with (
        Path(os.devnull).open("w") as nowhere,
        ground(settings, parts_of(model)) as on,
        live_twin(
            on,
            prefix="bench-mirror",
            threshold=None,
            batch=64,
            log=open_log(nowhere),
        ) as twin,
    ):
        publisher = twin.publisher()
        for number, image in enumerate(images):
            phase = "steady" if number < CASES else "burst"
            case_id = f"{phase}-{number}"
            publisher.publish(CaseArrived(case_id=case_id, at_min=float(number), image=image.ref))
            if phase == "steady":
                publisher.flush()
                time.sleep(1 / 20)
        publisher.flush()
        _await_verdicts(twin, len(images))
        twin.settle()
        seen_ms = _visible_ms(twin.redis, twin.prefix)
        reader = twin.subscriber("verdicts")
        while sum(reader.lag().values()) > 0:
            for message in reader.poll(1000, 0.5):
                phase = str(message.key).split("-", 1)[0]
                delays[phase].append(seen_ms[str(message.key)] - message.sent_unix_ms)
    result: dict[str, Any] = {}
    for phase, found in delays.items():
        ranked = sorted(found)
        result[f"{phase}_p50_ms"] = ranked[len(ranked) // 2]
        result[f"{phase}_p99_ms"] = ranked[len(ranked) * 99 // 100]
    result |= {"verdicts": sum(map(len, delays.values())), "gate": "p99 <= 100 ms"}
    result["pass"] = max(result["steady_p99_ms"], result["burst_p99_ms"]) <= 100
    return result


def _await_verdicts(twin: Any, expected: int) -> None:
    deadline_s = time.monotonic() + 120
    while twin.worker.answered < expected:
        twin.check()
        if time.monotonic() > deadline_s:
            sys.exit(f"only {twin.worker.answered} of {expected} verdicts came")
        time.sleep(0.05)


def _visible_ms(url: str, prefix: str) -> dict[str, int]:
    client = redis.Redis.from_url(url, decode_responses=True)
    return {
        fields["id"]: int(fields["folded_unix_ms"])
        for _, fields in client.xrange(f"{prefix}:changes")
        if fields.get("schema", "").startswith("VerdictIssued")
    }
