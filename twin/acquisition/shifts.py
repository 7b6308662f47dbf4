"""All acquisition shifts, and how they are applied."""

from collections.abc import Mapping
from typing import Final

from twin.acquisition.acquisition import Acquisition, fault_of
from twin.acquisition.framing import DARK_CORNERS, WRONG_CROP
from twin.acquisition.light import BRIGHTNESS, COLOUR_CAST, CONTRAST, VIGNETTING
from twin.acquisition.optics import DEFOCUS, MOTION
from twin.acquisition.sensor import JPEG, LOW_RESOLUTION, NOISE
from twin.acquisition.shift import Pixels, Shift, stream_of
from twin.acquisition.surface import GEL_BUBBLES, HAIR, MARKER_INK
from twin.errors import InvariantError

# In the order in which light meets them: skin and gel, lens, frame, lamp and colours, sensor, file.
SHIFTS: Final[Mapping[str, Shift]] = {
    shift.name: shift
    for shift in (
        MARKER_INK,
        HAIR,
        GEL_BUBBLES,
        DEFOCUS,
        MOTION,
        WRONG_CROP,
        DARK_CORNERS,
        VIGNETTING,
        BRIGHTNESS,
        CONTRAST,
        COLOUR_CAST,
        LOW_RESOLUTION,
        NOISE,
        JPEG,
    )
}


def apply(pixels: Pixels, acquisition: Acquisition) -> Pixels:
    """Return pixels as they would have been taken so; the same every time.

    Shifts come in the order of `SHIFTS`, whatever the order in the acquisition.

    Parameters:
        pixels: RGB, shape (224, 224, 3); left as it is.

    Raises:
        InvariantError: an unknown shift or severity; `fault_of` finds it beforehand.
    """
    if fault := fault_of(acquisition, SHIFTS):
        raise InvariantError(fault)
    taken = pixels.copy()
    for name, shift in SHIFTS.items():
        if name in acquisition.severity:
            level = shift.level(acquisition.severity[name])
            taken = shift.change(taken, level, stream_of(acquisition.seed, name))
    return taken
