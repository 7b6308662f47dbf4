"""How well a component is, in a word and a reason, from the last that it said of itself."""

from typing import Final, Literal

from services.beats import BEAT_S
from twin.events import ComponentChanged
from twin.lifecycle import ComponentState

Health = Literal["well", "degraded", "down", "silent"]

SILENT_AFTER_S: Final = 3 * BEAT_S  # three beats that did not come
# Who starts says nothing until it is up; the supervisor gives it so long.
STARTING_S: Final = 180.0
# More than one item in twenty that could not be used is no accident, if there are a few of them:
# assumptions.
MAX_ERROR_SHARE: Final = 0.05
LEAST_ERRORS: Final = 3

_DOWN: Final = (ComponentState.FAILED, ComponentState.STOPPED)
_COMING: Final = (ComponentState.STARTING, ComponentState.RESTARTING)


def health_of(event: ComponentChanged, now_unix_s: float) -> tuple[Health, str]:
    """Return how well a component is, and why; the reason may be empty where all is well.

    Parameters:
        event: its last one.
        now_unix_s: what its age is counted to.

    >>> health_of(ComponentChanged(component="svm", at_unix_s=0.0, state="failed", restarts=5,
    ...     model_id="m", reason="killed"), 1.0)
    ('down', 'failed: killed')
    """
    state, because = event.state, f": {event.reason}" if event.reason else ""
    if state in _DOWN:
        return "down", f"{state}{because}"
    quiet_s = now_unix_s - event.at_unix_s
    if quiet_s > (STARTING_S if state in _COMING else SILENT_AFTER_S):
        return "silent", f"no news for {quiet_s:.0f} s; was {state}{because}"
    if state != ComponentState.READY:
        return "degraded", f"{state}{because}"
    share = event.facts.get("error_share", 0.0)
    if share > MAX_ERROR_SHARE and share * event.facts.get("recent_tried", 0.0) >= LEAST_ERRORS:
        return "degraded", f"{share:.0%} of what came in the last minute could not be used"
    # Of one that images have ended, the reason says what was left out.
    if event.restarts and not event.facts.get("poison_images"):
        return "well", f"was restarted {event.restarts} time(s){because}"
    return "well", event.reason
