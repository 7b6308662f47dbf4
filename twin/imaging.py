"""From reference to pixels: the twin's imaging stage.

Rendering and decoding are functions of the reference alone, so any host gives the same pixels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.acquisition.acquisition import fault_of as fault_of_acquisition
from twin.acquisition.shifts import SHIFTS, apply
from twin.decoding import decode
from twin.dermoscopy.recipe import fault_of
from twin.dermoscopy.render import render
from twin.errors import ImageError
from twin.images import ImageRef, SyntheticRef, name_of
from twin.ports import ImageReader


@dataclass(frozen=True, slots=True)
class Imaging:
    """Brings the pixels of any image reference.

    Parameters:
        reader: where encoded images come from; it verifies their content. None where there
            are synthetic images only.
    """

    reader: ImageReader | None = None

    def pixels(self, ref: ImageRef) -> NDArray[np.uint8]:
        """Return an image, taken as its reference says, as uint8 RGB of shape (224, 224, 3).

        Raises:
            ImageError: the image is missing, altered or cannot be decoded, its recipe or its
                acquisition is out of range, or it is no synthetic one and there is no reader.
            DependencyError: the store of images did not answer.
        """
        taken = ref.acquisition
        if taken is not None and (fault := fault_of_acquisition(taken, SHIFTS)):
            raise ImageError(name_of(ref), fault)
        seen = self._seen(ref)
        return seen if taken is None else apply(seen, taken)

    def _seen(self, ref: ImageRef) -> NDArray[np.uint8]:
        if isinstance(ref, SyntheticRef):
            if fault := fault_of(ref.recipe):
                raise ImageError(name_of(ref), fault)
            return render(ref.recipe)
        if self.reader is None:
            raise ImageError(name_of(ref), f"no store for {ref.kind} images is configured")
        return decode(self.reader.read(ref), name_of(ref))
