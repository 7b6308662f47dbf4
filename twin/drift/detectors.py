"""River's detectors on one stream each: ADWIN, Page–Hinkley, KSWIN.

- ADWIN: Bifet & Gavaldà (2007), SIAM Data Mining; is any older part of the window's mean another
  than the rest's?
- Page–Hinkley: Page (1954), Biometrika 41; the cumulated deviation from the mean so far.
- KSWIN: Raab, Heusinger & Schleif (2020), Neurocomputing 416; Kolmogorov–Smirnov on the latest
  numbers against some of those before them, so it sees changes of shape, too.
"""

from collections import deque
from typing import Any, Final, Protocol

from twin.drift.plan import DetectorName
from twin.drift.streams import Stream


class Detector(Protocol):
    """What all of river's detectors have."""

    @property
    def drift_detected(self) -> bool:
        """Whether the latest number raised an alarm."""

    def update(self, x: float) -> Any:  # noqa: ANN401  # river returns itself or nothing
        """Take a number in."""


_PH_DELTA: Final = 0.1
_PH_ALPHA: Final = 1.0  # no forgetting
_KS_ALPHA: Final = 1e-4
_KS_WINDOW: Final = 300
_KS_LATEST: Final = 100
_KS_EVERY: Final = 50
_KS_SEED: Final = 20200513


class Watcher:
    """One detector on one stream, with its memory.

    Parameters:
        detector: which.
    """

    def __init__(self, detector: DetectorName) -> None:
        self._detector = _made(detector)

    def alarms(self, stream: Stream) -> tuple[float, ...]:
        """Take in the stream's next numbers; return when there were alarms, in minutes."""
        found = []
        for at_min, value in zip(stream.at_min.tolist(), stream.values.tolist(), strict=True):
            self._detector.update(value)
            if self._detector.drift_detected:
                found.append(at_min)
        return tuple(found)


def _made(detector: DetectorName) -> Detector:
    if detector == "kswin":
        return _Kswin()
    from river import drift

    found: Detector = (
        drift.ADWIN()
        if detector == "adwin"
        else drift.PageHinkley(delta=_PH_DELTA, alpha=_PH_ALPHA)
    )
    return found


class _Kswin:
    """River's KSWIN, asked at every fiftieth number instead of at each.

    A test takes about a millisecond: at each number, sixteen streams of 30,000 patients would take
    eight minutes. Tests that share 99 of 100 numbers tell the same fifty times, too.
    """

    def __init__(self) -> None:
        self._window: deque[float] = deque(maxlen=_KS_WINDOW)
        self._count = 0
        self.drift_detected = False

    def update(self, x: float) -> None:
        """Take a number in."""
        from river import drift

        self._count += 1
        self._window.append(x)
        self.drift_detected = False
        if len(self._window) < _KS_WINDOW or self._count % _KS_EVERY:
            return
        *before, last = self._window
        test = drift.KSWIN(
            alpha=_KS_ALPHA,
            window_size=_KS_WINDOW,
            stat_size=_KS_LATEST,
            seed=_KS_SEED,
            window=before,
        )
        test.update(last)
        self.drift_detected = test.drift_detected
        if self.drift_detected:
            self._window = deque(list(self._window)[-_KS_LATEST:], maxlen=_KS_WINDOW)
