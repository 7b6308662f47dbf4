"""River's detectors on one stream each: ADWIN, Page–Hinkley, KSWIN.

- ADWIN: Bifet & Gavaldà (2007), SIAM Data Mining; is any older part of the window's mean another
  than the rest's?
- Page–Hinkley: Page (1954), Biometrika 41; the cumulated deviation from the mean so far.
- KSWIN: Raab, Heusinger & Schleif (2020), Neurocomputing 416; Kolmogorov–Smirnov on the latest
  numbers against some of those before them, so it sees changes of shape, too.

Sixteen streams are watched at once, so a detector must be very sure. False alarms of all streams
together, for each month of 3,000 patients out of 660 ISIC test images without any shift: ADWIN
0.02 with river's own settings (2 in 120 months), Page–Hinkley 0.07 with those below (8 in 120) and
25 with river's, KSWIN none in 30 months with those below. Siegmund's approximation of such a sum's
run length (1985, "Sequential analysis") gives Page–Hinkley 0.07, too: once in 1.3 million numbers
on each side.
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


# River's 0.005 is far below what chance does to a stream of standard deviation 1.
_PH_DELTA: Final = 0.1
_PH_THRESHOLD: Final = 50.0  # river's own
# River forgets a ten-thousandth at each number: after 10,000 of them the sum hovers about its own
# minimum and alarms without cause (1.4 a month in runs of six, at threshold 60). Page's test
# forgets nothing.
_PH_ALPHA: Final = 1.0
_KS_ALPHA: Final = 1e-4  # of each test: 960 a month at 3,000 patients, 16 streams
_KS_WINDOW: Final = 300  # numbers
# Of them; as many of the others are drawn. River's 30 see a step only if it is large: of a
# colour cast of severity 2 none in six runs within 1,000 patients.
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
        else drift.PageHinkley(delta=_PH_DELTA, threshold=_PH_THRESHOLD, alpha=_PH_ALPHA)
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
