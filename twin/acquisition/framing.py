"""Which part of the skin is in the picture, and which part of the picture is skin."""

import math
from typing import Final

import numpy as np
from PIL import Image

from twin.acquisition.shift import Level, Pixels, Shift
from twin.dermoscopy.textures import EDGE_PX, grid, smoothstep


def _wrong_crop(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    angle = stream.uniform(0, 2 * math.pi)
    across, down = math.cos(angle), math.sin(angle)
    longest = max(abs(across), abs(down))  # so that the cut-out touches the picture's edge
    edge = EDGE_PX * level["share"]
    room = (EDGE_PX - edge) / 2
    left, top = room * (1 + across / longest), room * (1 + down / longest)
    # Whole pixels: Pillow gets the same box on every host.
    box = (round(left), round(top), round(left + edge), round(top + edge))
    image = Image.fromarray(pixels)
    return np.array(image.resize((EDGE_PX, EDGE_PX), Image.Resampling.BICUBIC, box=box))


WRONG_CROP: Final = Shift(
    name="wrong_crop",
    about="The picture is cut too narrow and off the lesion, to a seeded side.",
    levels={"share": (0.94, 0.86, 0.77, 0.67, 0.56)},  # of the edge that is left
    source="assumption",
    change=_wrong_crop,
)


def _dark_corners(pixels: Pixels, level: Level, stream: np.random.Generator) -> Pixels:
    shift_x, shift_y = (np.float32(shift) for shift in stream.uniform(-0.06, 0.06, 2))
    x, y = grid()
    radius = np.sqrt((x - shift_x) ** 2 + (y - shift_y) ** 2)
    # 7 grey levels are left: a tube is not black. Both numbers: assumption.
    open_ = 1 - smoothstep((radius - np.float32(level["radius"])) * np.float32(1 / 0.07))
    dark = (pixels - np.float32(7)) * open_[:, :, None] + np.float32(7.5)
    return dark.clip(0, 255).astype(np.uint8)


DARK_CORNERS: Final = Shift(
    name="dark_corners",
    about="The tube of the dermatoscope is in the picture: black corners, then a black rim.",
    levels={"radius": (1.3, 1.2, 1.08, 0.94, 0.78)},  # of the clear disc, of half the edge
    source="assumption; dark corners mislead networks: Sies et al. 2021, "
    "doi:10.1016/j.ejca.2021.05.030",
    change=_dark_corners,
)
