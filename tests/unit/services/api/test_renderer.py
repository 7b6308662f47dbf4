"""The process that renders: real pictures, joined requests, and what kills it."""

import io
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tiny_model import patients

from services.api.pictures.cache import PictureCache
from services.api.pictures.renderer import Renderer
from services.api.pictures.wanted import Picture, PictureFault, drawn_map, seen
from services.image_store import RedisBlobs
from twin.images import BlobRef, FileRef
from twin.imaging import Imaging

# Dies of blobs "dead...", sleeps over blobs "slow...", and makes a picture of all others' names.
STRANGE = """
import os, sys, time
from services.api.pictures import child
from services.api.pictures.wanted import Picture

def made_of(imaging, ref, head, body):
    if ref.sha256.startswith("dead"):
        os._exit(9)
    if ref.sha256.startswith("slow"):
        time.sleep(60)
    if ref.sha256.startswith("wait"):
        time.sleep(0.3)
    print(ref.sha256, file=sys.stderr, flush=True)
    return Picture(str(os.getpid()).encode(), "text/plain")

child.made_of = made_of
child.main(sys.stdin.buffer, sys.stdout.buffer)
"""
COMMAND = (sys.executable, "-c", STRANGE)
NOWHERE = {"data": None, "redis": None, "prefix": "p"}


def blob(name, edge_px=96):
    return seen(BlobRef(sha256=name.ljust(64, "0")), edge_px)


@pytest.fixture
def strange():
    renderer = Renderer(NOWHERE, command=COMMAND, most_waiting=3, timeout_s=1.5)
    yield renderer
    renderer.close()


def fault_of(future):
    with pytest.raises(PictureFault) as caught:
        future.result(30)
    return caught.value


@pytest.mark.slow
def test_pictures_are_what_the_twin_sees(tmp_path, redis_url, prefix):
    ref = patients(1)[0].image
    pixels = Imaging().pixels(ref)
    broken = RedisBlobs(redis_url, prefix).put(b"\xff\xd8\xff and no more")
    renderer = Renderer({"data": str(tmp_path), "redis": redis_url, "prefix": prefix})
    try:
        large = renderer.picture(seen(ref, 224)).result(30)
        assert large.media_type == "image/webp"
        assert np.array_equal(np.array(Image.open(io.BytesIO(large.content))), pixels)
        small = renderer.picture(seen(ref, 96)).result(30)
        assert small.media_type == "image/webp"
        assert Image.open(io.BytesIO(small.content)).size == (96, 96)
        assert len(small.content) < 8_000
        ramp = io.BytesIO()
        np.save(ramp, np.tile(np.linspace(0, 1, 224, dtype=np.float32), (224, 1)))
        kind = {"method": "occlusion", "low": 0.0, "high": 2.0, "unit": "nats", "scale": False}
        drawn = [
            renderer.picture(
                drawn_map(f"k{over}", ref, ramp.getvalue(), overlay=over, **kind)
            ).result(30)
            for over in (False, True)
        ]
        alone, over = (np.array(Image.open(io.BytesIO(one.content))).astype(int) for one in drawn)
        assert np.ptp(alone, axis=0).max() == 0  # a ramp from left to right, and nothing of ours
        assert np.ptp(over, axis=0).max() > 10
        # What cannot be had says why, and says apart what is not there from what is broken.
        for missing, kind in (
            (FileRef(path="a.jpg", sha256="0" * 64), "gone"),
            (BlobRef(sha256="0" * 64), "gone"),
            (broken, "unreadable"),
        ):
            fault = fault_of(renderer.picture(seen(missing, 224)))
            assert fault.kind == kind
            assert str(tmp_path) not in fault.reason
    finally:
        renderer.close()


@pytest.mark.slow
def test_what_kills_the_process_costs_one_picture(strange):
    first = strange.picture(blob("a")).result(30)
    dead, well = strange.picture(blob("dead")), strange.picture(blob("b"))
    assert fault_of(dead).kind == "unreadable"
    assert well.result(30).content != first.content  # another process made it
    started_s = time.monotonic()
    assert fault_of(strange.picture(blob("dead"))).kind == "unreadable"
    assert time.monotonic() - started_s < 0.1  # it is not tried again
    slow, after = strange.picture(blob("slow")), strange.picture(blob("c"))
    assert fault_of(slow).kind == "unreadable"
    assert after.result(30).content != well.result().content


@pytest.mark.slow
def test_a_process_that_was_killed_for_another_reason_is_started_again(strange):
    pid = int(strange.picture(blob("a")).result(30).content)
    os.kill(pid, signal.SIGKILL)
    assert int(strange.picture(blob("b")).result(30).content) != pid


@pytest.mark.slow
def test_the_same_picture_is_made_once_and_too_many_are_refused(strange, capfd):
    futures = [strange.picture(blob("wait")) for _ in range(5)]
    deadline_s = time.monotonic() + 20
    while len(strange._waiting) and time.monotonic() < deadline_s:
        time.sleep(0.01)
    others = [strange.picture(blob(name)) for name in "abc"]
    assert fault_of(strange.picture(blob("d"))).kind == "busy"
    assert len({one.result(30).content for one in futures}) == 1
    assert strange.picture(blob("wait")).done()  # it is kept
    for one in others:
        one.result(30)
    strange.picture(blob("d")).result(30)  # there is room again
    assert capfd.readouterr().err.split().count("wait".ljust(64, "0")) == 1


@pytest.mark.slow
def test_nothing_is_left_behind(strange):
    pid = int(strange.picture(blob("a")).result(30).content)
    slow = strange.picture(blob("slow"))
    strange.close()
    assert fault_of(slow).kind in {"away", "unreadable"}
    assert fault_of(strange.picture(blob("b"))).kind == "away"
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_process_that_does_not_start_is_nobodys_picture():
    for command in ((sys.executable, "-c", "raise SystemExit(1)"), ("/no/such/program",)):
        renderer = Renderer(NOWHERE, command=command)
        assert fault_of(renderer.picture(blob("a"))).kind == "away"
        assert fault_of(renderer.picture(blob("a"))).kind == "away"
        renderer.close()


def test_the_cache_forgets_what_was_not_used_for_longest():
    cache = PictureCache(3_000)
    for name in "abc":
        cache.put(name, Picture(b"x" * 600, "image/png"))
    assert cache.get("a") is not None
    cache.put("d", Picture(b"x" * 600, "image/png"))
    assert [cache.get(name) is not None for name in "abcd"] == [True, False, True, True]
    cache.put("huge", Picture(b"x" * 9_000, "image/png"))
    assert cache.size_bytes == 0


@pytest.mark.slow
def test_the_process_imports_no_tensorflow_nor_servers():
    code = (
        "import sys, services.api.pictures.child, services.api.pictures.renderer\n"
        "heavy = {'tensorflow', 'ray', 'sklearn', 'catboost', 'xgboost', 'kafka', 'fastapi'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert done.stdout.strip() == b"[]"
