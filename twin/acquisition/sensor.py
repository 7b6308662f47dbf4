"""Sensor and file: resolution, noise, compression.

Measured on the ISIC test images: the AUC has a dip below severity 1 of noise and of JPEG. Of
their malignant files 52 % have halved colours (4:2:0 or 4:2:2), of the benign ones 3 %, and the
stack seems to have learned it: coded again at quality 95, the AUC falls from 0.976 to 0.918 with
full colours, and to 0.806 with halved ones; at quality 60 it is 0.878. Severities begin beyond
the dip, and from there the AUC only falls.
"""

import io
import math
from typing import Final

import numpy as np
from PIL import Image

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX


def _low_resolution(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    edge = round(level["edge_px"])
    small = Image.fromarray(pixels).resize((edge, edge), Image.Resampling.BOX)
    return np.array(small.resize((EDGE_PX, EDGE_PX), Image.Resampling.BICUBIC))


LOW_RESOLUTION: Final = Shift(
    name="low_resolution",
    about="The camera has few pixels: the picture is enlarged from a small one.",
    levels={"edge_px": (208, 180, 140, 96, 56)},
    source="pixelation as in ImageNet-C (arXiv:1903.12261), enlarged smoothly; edges: assumption",
    change=_low_resolution,
)


_GRAIN_SD: Final = math.sqrt(4 * (256**2 - 1) / 12)  # of the sum of four bytes


def _noise(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    # Four even draws add up to nearly a normal one, in integers: alike on every host.
    drawn = stream.integers(0, 256, (4, *pixels.shape), dtype=np.uint8)
    grains = (drawn.sum(axis=0, dtype=np.int16) - np.int16(510)).astype(np.float32)
    # Variance: of reading out, and of counting photons, which grows with the light.
    spread = np.sqrt(level["read"] ** 2 + level["shot"] ** 2 * np.arange(256) / 255)
    noisy = np.take((spread / _GRAIN_SD).astype(np.float32), pixels)
    noisy *= grains
    noisy += pixels
    noisy += np.float32(0.5)
    return noisy.clip(0, 255, out=noisy).astype(np.uint8)


NOISE: Final = Shift(
    name="noise",
    about="Too little light for the sensor: noise of reading out and of counting photons.",
    levels={"read": (2, 4, 8, 13, 20), "shot": (3, 6, 11, 18, 28)},  # grey levels of 255
    source="Poisson and Gaussian noise as in ImageNet-C (arXiv:1903.12261), weaker: assumption",
    change=_noise,
)


def _jpeg(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:  # noqa: ARG001
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=round(level["quality"]), subsampling="4:2:0")
    return np.array(Image.open(file, formats=["JPEG"]))


JPEG: Final = Shift(
    name="jpeg",
    about="The file is compressed too much: blocks of 8 x 8 pixels and few colours.",
    levels={"quality": (60, 35, 20, 12, 7)},
    source="least quality as in ImageNet-C (arXiv:1903.12261), the others milder: assumption",
    change=_jpeg,
)
