"""How stages that are no actors say what they do: the worker and the re-stacker.

They tell the same event as components do, on the same topic: at the start, about every 5 s while
their loop turns, when they are in trouble, and at the end. A loop that is stuck tells nothing,
which is how that shows (`services.health`).
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import psutil

from services.wall_clock import unix_s
from twin.errors import DependencyError
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState
from twin.meter import Meter

BEAT_S: Final = 5.0  # often enough for people, and nothing beside the cases on the log: assumption
_MAX_REASON: Final = 300  # characters of an error's first line


class Beats:
    """Tells of one stage. It belongs to the stage's thread.

    Parameters:
        component: name of the stage.
        model_id: that the stage works with.
        items: what its batches are of, such as "cases".
        publish: sends the event; a stage works on if that fails.
        unix_clock: wall clock, seconds since 1970.
        elapsed: seconds that only go forward.
    """

    def __init__(
        self,
        component: str,
        model_id: str,
        items: str,
        publish: Callable[[ComponentChanged], None],
        *,
        unix_clock: Callable[[], float] = unix_s,
        elapsed: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._component, self._model_id, self._items = component, model_id, items
        self._publish = publish
        self._unix_clock, self._elapsed = unix_clock, elapsed
        self._told_s = float("-inf")
        self._reason = ""
        self.state = ComponentState.STARTING
        self.restarts = 0
        self.untold = 0  # events that could not be published
        self.meter = Meter(elapsed)
        self.more: Callable[[], Mapping[str, float]] = dict  # the stage's own figures

    def tell(self, state: ComponentState, reason: str = "") -> None:
        """Tell how the stage stands from now on."""
        self.state, self._reason = state, reason
        self._told_s = self._elapsed()
        work = self.meter.read()
        figures = work.numbers(self._items)
        del figures["busy_s"]  # batches of a stage overlap: their sum is no time
        event = ComponentChanged(
            component=self._component,
            at_unix_s=self._unix_clock(),
            state=state.value,
            restarts=self.restarts,
            model_id=self._model_id,
            reason=reason,
            facts={
                "pid": float(os.getpid()),
                "rss_mb": round(psutil.Process().memory_info().rss / 2**20, 1),
                "untold": float(self.untold),
                **figures,
                **self.more(),
            },
            last_input=work.last_input,
            last_output=work.last_output,
        )
        try:
            self._publish(event)
        except DependencyError:
            self.untold += 1  # the stage's own messages will fail, too, and stop it if they must

    def now_s(self) -> float:
        """Return the time by the meter's clock."""
        return self._elapsed()

    def beat(self) -> None:
        """Tell it again if that was not done for `BEAT_S`."""
        if self._elapsed() - self._told_s >= BEAT_S:
            self.tell(self.state, self._reason)

    def well(self) -> None:
        """Tell that the stage works, unless that is known."""
        if self.state is not ComponentState.READY:
            self.tell(ComponentState.READY)

    def trouble(self, what: str, error: BaseException) -> None:
        """Tell that the stage tries again.

        Parameters:
            what: it does about the error.
        """
        self.tell(ComponentState.RESTARTING, f"{what}: {_line(error)}")

    def wait(self, wait_s: float, pause: Callable[[float], object] = time.sleep) -> None:
        """Wait, and go on telling.

        Parameters:
            pause: waits for so many seconds; a true answer ends the waiting.
        """
        left_s = wait_s
        while left_s > 0:
            part_s = min(left_s, BEAT_S)
            if pause(part_s):
                return
            left_s -= part_s
            self.beat()

    @contextmanager
    def alive(self, state: ComponentState, reason: str = "") -> Iterator[None]:
        """Tell the start of a stage's loop, and its end, however it ends."""
        self.tell(state, reason)
        try:
            yield
        except BaseException as error:
            self.tell(ComponentState.FAILED, _line(error))
            raise
        self.tell(ComponentState.STOPPED, "the twin was stopped")


def unheard(component: str, model_id: str, items: str) -> Beats:
    """Return beats that nobody hears, for stages that run without telemetry."""
    return Beats(component, model_id, items, lambda _: None)


def _line(error: BaseException) -> str:
    """Return an error's kind and first line."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:_MAX_REASON]
