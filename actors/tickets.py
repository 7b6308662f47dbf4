"""Batches on their way through Ray actors, and what becomes of one that ends an actor.

A batch during which a component died twice is asked about image by image; the image that ends the
component alone is left out (`actors/poison.py`), and the others have their answers as if it had
never been among them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import ray
from numpy import float64
from numpy.typing import NDArray

from actors.answers import assemble, columns_of
from actors.calls import Call, Calls, FatalBatchError
from actors.hosts import StemAnswer, joined
from actors.poison import BATCH_DEATHS, Poison, reason_of
from actors.seat import Seat
from twin.errors import DependencyError
from twin.images import ImageRef, name_of
from twin.meta import MetaStack
from twin.ports import Answer, Ticket, Unscorable

Scores = NDArray[float64]


@dataclass(frozen=True, slots=True)
class RayTicket:
    """A batch whose images all go the same way."""

    calls: Calls
    poison: Poison
    images: list[ImageRef]
    stem: Call
    learners: dict[str, Call]
    meta_seat: Seat
    names: list[str]  # of all learners
    meta: MetaStack | None

    def done(self) -> bool:
        """Return whether `collect` would hardly wait."""
        waited_for = [call.answer for call in self.learners.values()]
        return len(ray.wait(waited_for, num_returns=len(waited_for), timeout=0)[0]) == len(
            waited_for
        )

    def collect(self) -> list[Answer]:
        """Wait for the answers, one per image, in the order submitted.

        Raises:
            DependencyError: a component that cannot be missing is gone.
        """
        reference, seen = self._seen()
        rows = [place for place in range(len(self.images)) if place not in seen.faults]
        answers: dict[int, Answer] = {
            place: Unscorable(reason=reason) for place, reason in seen.faults.items()
        }
        if not rows:
            return [answers[place] for place in range(len(self.images))]
        scores: dict[str, Scores] = {}
        given: dict[str, NDArray[np.bool_]] = {}  # per learner, the rows that it has scored
        for name, call in self.learners.items():
            found = self._scored(name, call, reference, seen, rows)
            if found is not None:
                scores[name], given[name] = found
        if not scores:
            raise DependencyError("no learner is left to answer")
        ways: dict[tuple[str, ...], list[int]] = {}
        for row in range(len(rows)):
            way = tuple(name for name in scores if given[name][row])
            ways.setdefault(way, []).append(row)
        for way, some in ways.items():
            asked = {name: scores[name][some] for name in way}
            told = self._told(asked, seen.sketch[some], [self.images[rows[row]] for row in some])
            answers.update({rows[row]: one for row, one in zip(some, told, strict=True)})
        return [answers[place] for place in range(len(self.images))]

    def _seen(self) -> tuple[Any, StemAnswer]:
        """Return what the stem made of the batch, as a reference and as it is."""
        try:
            seen = self.calls.answer_of(self.stem, self.images, blame_after=BATCH_DEATHS)
        except FatalBatchError as error:
            lone = self._one_by_one(
                "stem",
                self.stem.seat,
                [(([image],), image) for image in self.images],
                error.args[0],
            )
            both = joined(lone, reason_of("stem"))
            return self.calls.put(both), both
        if seen is None:
            raise DependencyError(f"the stem is gone: {self.stem.seat.reason}")
        return seen

    def _scored(
        self,
        name: str,
        call: Call,
        reference: Any,  # noqa: ANN401
        seen: StemAnswer,
        rows: Sequence[int],
    ) -> tuple[Scores, NDArray[np.bool_]] | None:
        """Return a learner's scores, and which rows have one; None if the learner is gone."""
        # A learner's call fails with the stem's actor error if the stem died under it: the
        # learner itself is well then, and is simply asked again with the new features.
        sent = call if reference == self.stem.answer else self.calls.send(call.seat, reference)
        try:
            answered = self.calls.answer_of(sent, reference, blame_after=BATCH_DEATHS)
        except FatalBatchError as error:
            asked = [((seen.row(row),), self.images[place]) for row, place in enumerate(rows)]
            try:
                lone = self._one_by_one(name, call.seat, asked, error.args[0])
            except DependencyError:
                return None
            values = [np.nan if one is None else float(one[0]) for one in lone]
            return np.array(values), np.array([one is not None for one in lone], bool)
        return None if answered is None else (answered[1], np.ones(len(rows), bool))

    def _told(
        self, scores: Mapping[str, Scores], sketch: Scores, images: Sequence[ImageRef]
    ) -> list[Answer]:
        """Return the answers to rows that the same learners have scored."""
        if not scores:
            return [Unscorable(reason="no learner could score its image")] * len(images)
        columns = columns_of(scores, sketch)
        missing = [name for name in self.names if name not in scores]
        call = self.calls.send(self.meta_seat, columns, self.meta)
        try:
            told = self.calls.answer_of(call, columns, self.meta, blame_after=BATCH_DEATHS)
        except FatalBatchError as error:
            asked = [
                (
                    ({name: values[row : row + 1] for name, values in columns.items()}, self.meta),
                    one,
                )
                for row, one in enumerate(images)
            ]
            lone = self._one_by_one("meta", self.meta_seat, asked, error.args[0])
            faults = {row: reason_of("meta") for row, one in enumerate(lone) if one is None}
            kept = [row for row in range(len(images)) if row not in faults]
            p_malignant = np.array([float(one[0]) for one in lone if one is not None])
            some = {name: values[kept] for name, values in scores.items()}
            return assemble(len(images), faults, some, p_malignant, missing, sketch[kept])
        if told is None:
            raise DependencyError(f"the meta-learner is gone: {self.meta_seat.reason}")
        return assemble(len(images), {}, scores, told[1], missing, sketch)

    def _one_by_one(
        self,
        component: str,
        seat: Seat,
        asked: Sequence[tuple[tuple[Any, ...], ImageRef]],
        deaths: int,
    ) -> list[Any]:
        """Ask about each image alone; return the answers, None for those that are poison.

        Parameters:
            asked: what the component is sent for an image, and the image.
            deaths: that the batch has cost.

        Raises:
            DependencyError: the component is gone.
        """
        found: list[Any] = []
        for batch, image in asked:
            try:
                answered = self.calls.answer_of(
                    self.calls.send(seat, *batch), *batch, blame_after=1
                )
            except FatalBatchError as error:
                self.poison.add(image, component)
                self.calls.supervisor.forgive(seat, deaths + error.args[0], name_of(image))
                deaths = 0
                found.append(None)
                continue
            if answered is None:
                raise DependencyError(f"component {component} is gone: {seat.reason}")
            found.append(answered[1])
        return found


@dataclass(frozen=True, slots=True)
class PartedTicket:
    """A batch in which some images are known to be poison: each way has a ticket of its own."""

    images: int
    known: Mapping[int, Unscorable]  # answers that need nobody
    parts: Sequence[tuple[list[int], Ticket]]  # places in the batch, and their ticket

    def done(self) -> bool:
        """Return whether `collect` would hardly wait."""
        return all(ticket.done() for _, ticket in self.parts)

    def collect(self) -> list[Answer]:
        """Wait for the answers, one per image, in the order submitted.

        Raises:
            DependencyError: a component that cannot be missing is gone.
        """
        answers: dict[int, Answer] = dict(self.known)
        for places, ticket in self.parts:
            answers.update(zip(places, ticket.collect(), strict=True))
        return [answers[place] for place in range(self.images)]
