"""Maps that know nothing of the image, as smooth or as blocky as a given one.

Taking away a connected region disturbs an image in another way than taking away as many single
pixels. So a map is held against random maps of its own power spectrum: the map's amplitudes with
random phases (J. Theiler et al. 1992, Testing for nonlinearity in time series: the method of
surrogate data, Physica D 58).
"""

import numpy as np
from numpy.typing import NDArray

from twin.explain.maps import Values


def random_maps(values: Values, count: int, seed: int) -> NDArray[np.float64]:
    """Return random maps with a map's power spectrum, shape (count, 224, 224).

    Parameters:
        values: the map, shape (224, 224).
        seed: the same one gives the same random maps.
    """
    amplitude = np.abs(np.fft.fft2(values.astype(np.float64)))
    amplitude[0, 0] = 0.0  # the mean orders no pixels
    if not amplitude.any():
        amplitude[:] = 1.0  # a flat map has no spectrum: noise
    stream = np.random.default_rng(seed)
    noise = np.fft.fft2(stream.standard_normal((count, *values.shape)))
    # Phases of real noise, so that the maps are real, too.
    maps: NDArray[np.float64] = np.fft.ifft2(amplitude * np.exp(1j * np.angle(noise))).real
    return maps
