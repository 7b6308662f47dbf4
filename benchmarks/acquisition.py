"""Images per second of each acquisition shift, on one core and on two, beside decoding a JPEG.

Gate: at least 200 images/s on two cores for each shift, at its slowest severity.
"""

import io
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
from PIL import Image

from twin.acquisition.acquisition import SEVERITIES, Acquisition
from twin.acquisition.shifts import SHIFTS, apply
from twin.decoding import EDGE_PX, decode
from twin.dermoscopy.textures import noise

_IMAGES: Final = 100  # a turn, per core
_LEAST_PER_S: Final = 200


def measure(rounds: int) -> dict[str, Any]:
    """Take turns between decoding and the shifts; threads as in the stem's host."""
    stream = np.random.default_rng(0)
    pixels = np.stack([160 + 30 * noise(stream, 20) for _ in range(3)], axis=2)
    pixels = pixels.clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    jpeg = file.getvalue()
    assert decode(jpeg, "benchmark").shape == (EDGE_PX, EDGE_PX, 3)

    def shifting(name: str, severity: int) -> Callable[[int], object]:
        return lambda seed: apply(pixels, Acquisition(seed=seed, severity={name: severity}))

    work: dict[tuple[str, int], Callable[[int], object]] = {
        (name, severity): shifting(name, severity) for name in SHIFTS for severity in SEVERITIES
    }
    work["decode", 0] = lambda _: decode(jpeg, "benchmark")
    found: dict[str, Any] = {}
    slowest = float("inf")
    # One core's time is the processor's; what two do together takes a clock, and a quiet machine.
    for cores, clock in ((1, time.process_time), (2, time.perf_counter)):
        speed: dict[tuple[str, int], list[float]] = {what: [] for what in work}
        with ThreadPoolExecutor(cores) as pool:
            for do in work.values():
                do(0)  # once for what is computed at first use
            for _ in range(rounds):
                for what, do in work.items():
                    started_s = clock()
                    list(pool.map(do, range(_IMAGES * cores)))
                    speed[what].append(_IMAGES * cores / (clock() - started_s))
        decoding = statistics.median(speed["decode", 0])
        found[f"decode_jpeg_images_per_s_{cores}_cores"] = decoding
        for name in SHIFTS:
            per_s = min(statistics.median(speed[name, severity]) for severity in SEVERITIES)
            found[f"{name}_images_per_s_{cores}_cores"] = per_s
            found[f"{name}_x_decode_{cores}_cores"] = per_s / decoding
            if cores == 2:
                slowest = min(slowest, per_s)
    found["slowest_images_per_s_2_cores"] = slowest
    found["gate"] = f"slowest severity of each shift >= {_LEAST_PER_S} images/s on two cores"
    found["pass"] = slowest >= _LEAST_PER_S
    return found
