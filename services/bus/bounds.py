"""What must hold of an event beyond the types of its fields, so that nobody downstream trips."""

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from twin.events import (
    CaseArrived,
    CaseEvent,
    ComponentChanged,
    Event,
    FeedbackReceived,
    StackOrdered,
    StackPromoted,
    StackRejected,
)
from twin.images import FileRef, ImageRef, SyntheticRef
from twin.meter import MAX_WORDS

MAX_CASE_ID: Final = 200  # characters; it becomes part of Redis keys and of file names: assumption
MAX_WORD: Final = 40  # characters of a label or a way; longer ones are no words: assumption
# Minutes, some 1,900 years: whatever is later would be the latest time of the twin for good.
MAX_AT_MIN: Final = 1e9
MAX_AGE: Final = 150  # years
MAX_PATH: Final = 1_000  # characters below the data directory: assumption
MAX_FACT: Final = 100  # characters of what is known of a patient: assumption
VERDICTS: Final = ("rejected", "waiting", "kept")


def fault_of(event: Event) -> str | None:
    """Return the first field that is out of bounds, and why; None if all is well.

    A label of an unknown class is none: it is kept apart, counted and shown (twin/labels.py).
    """
    return next(_faults(event), None)


def _faults(event: Event) -> Iterator[str]:
    if isinstance(event, ComponentChanged):
        yield from _length("component", event.component, 1, MAX_CASE_ID)
        yield from _length("last_input", event.last_input, 0, MAX_WORDS)
        yield from _length("last_output", event.last_output, 0, MAX_WORDS)
        return
    if isinstance(event, CaseEvent):
        yield from _length("case_id", event.case_id, 1, MAX_CASE_ID)
    if event.at_min < 0:
        yield "at_min: is before the run's epoch"
    if event.at_min > MAX_AT_MIN:
        yield f"at_min: expected at most {MAX_AT_MIN:g}"
    match event:
        case CaseArrived():
            yield from _patient_faults(event)
            yield from _image_faults(event.image)
        case FeedbackReceived():
            yield from _length("feedback_id", event.feedback_id, 1, MAX_CASE_ID)
            yield from _length("label", event.label, 0, MAX_WORD)
            yield from _length("way", event.way, 0, MAX_WORD)
            if event.revision < 0:
                yield "revision: expected 0 or more"
            if not 0 < event.p_verified <= 1:  # labels are weighted by its inverse
                yield "p_verified: expected more than 0 and at most 1"
        case StackOrdered():
            yield from _length("order_id", event.order_id, 1, MAX_CASE_ID)
            if event.version < 0:
                yield "version: expected 0 or more"
        case StackPromoted() | StackRejected():
            yield from _stack_faults(event)
        case _:
            return


def _length(name: str, text: str, least: int, most: int) -> Iterator[str]:
    if not least <= len(text) <= most:
        yield f"{name}: expected {least} to {most} characters"


def _patient_faults(event: CaseArrived) -> Iterator[str]:
    if event.age is not None and not 0 <= event.age <= MAX_AGE:
        yield f"age: expected 0 to {MAX_AGE}"
    for name in ("sex", "site", "skin_tone"):
        yield from _length(name, getattr(event, name) or "", 0, MAX_FACT)


def _image_faults(ref: ImageRef) -> Iterator[str]:
    """Yield what no store could ever have; that an image is not there is its case's answer."""
    for shift in () if ref.acquisition is None else ref.acquisition.severity:
        yield from _length("image.acquisition.severity", shift, 1, MAX_WORD)
    if isinstance(ref, SyntheticRef):
        return
    yield from _length("image.sha256", ref.sha256, 0, 64)
    if isinstance(ref, FileRef):
        yield from _length("image.path", ref.path, 1, MAX_PATH)
        path = PurePosixPath(ref.path)
        if path.is_absolute() or ".." in path.parts or "\0" in ref.path or "\\" in ref.path:
            yield "image.path: leads outside the data directory"


def _stack_faults(event: StackPromoted | StackRejected) -> Iterator[str]:
    if event.epoch < 0 or event.version < 0:
        yield "epoch, version: expected 0 or more"
    if isinstance(event, StackRejected):
        if event.verdict not in VERDICTS:
            yield f"verdict: expected one of {', '.join(VERDICTS)}"
        return
    if not event.stacks:
        yield "stacks: there is none"
    for joined, numbers in event.stacks.items():
        wanted = 1 + len(joined.split("+")) + len(event.inputs)
        if len(numbers) != wanted:
            yield f"stacks.{joined}: expected {wanted} numbers, not {len(numbers)}"
