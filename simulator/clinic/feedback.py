"""What clinics tell the twin after a patient has left: late, of some patients, and at times wrong.

All draws are keyed (law 9): who is verified, how long it takes and what goes wrong is the same for
a patient whatever the AI says, and a scenario with feedback leaves all other draws as they were.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import simpy

from simulator.clinic.due import Due
from simulator.clinic.person import Person
from simulator.clinic.station import Timed
from simulator.draws.uniforms import Uniforms
from simulator.language.feedback import FeedbackSpec, PoisonSpec
from simulator.language.schema import Scenario
from twin.events import FeedbackReceived
from twin.groups import GROUP_OF_TONE, age_band
from twin.labels import WITHDRAWN

BIOPSIED: Final = "biopsied"
SAMPLED: Final = "sampled"  # discharged, and checked at once
FOLLOWED_UP: Final = "followed_up"  # discharged, and seen again
_WORD: Final = {True: "malignant", False: "benign"}
_UNKNOWN: Final = "unknown"  # begins the ids of cases that there are not

Send = Callable[[FeedbackReceived], None]


@dataclass(slots=True)
class _Story:
    """What is told of one patient, message by message."""

    person: Person
    way: str
    p_verified: float
    sent: int = 0  # messages of all kinds
    revision: int = 0


class Feedback:
    """Sends labels on the calendar of a run.

    Parameters:
        env: the calendar; what is due after the run's end is never sent.
        send: takes each message when it is received.
    """

    def __init__(
        self, scenario: Scenario, replication: int, env: simpy.Environment, send: Send
    ) -> None:
        assert scenario.feedback is not None  # whoever makes it has labels to send
        self._spec: FeedbackSpec = scenario.feedback
        self._env = env
        self._send = send
        self._key = (scenario.seed, replication)
        self._names = [one.id for one in scenario.patient_classes]
        self._streams: dict[tuple[str, str], Uniforms] = {}
        self._delays = Timed(*self._key, "feedback.delay")
        for name in self._names:
            self._delays.know(name, self._spec.delay)
        self.received = 0
        self._counts: dict[int, FeedbackReceived] = {}  # by patient's number: latest revision

    def left(self, person: Person) -> None:
        """Note that a patient has left the clinic, after everything was done."""
        found = self._verified(person)
        if found is None:
            return
        way, p_verified, after_min = found
        story = _Story(person, way, p_verified)
        self._later(after_min + self._delay_min(person, 1), self._first, story)

    def labels(self) -> dict[int, FeedbackReceived]:
        """Return the message that counts of each patient, by number; without those taken back.

        What the twin makes of the messages of a case (twin/labels.py), as they were sent here.
        """
        return {number: one for number, one in self._counts.items() if one.label != WITHDRAWN}

    def _verified(self, person: Person) -> tuple[str, float, float] | None:
        """Return how a patient's truth is found out, how probable that was, and after how long."""
        spec = self._spec
        if person.referred:
            share = spec.verified.biopsied
            return (BIOPSIED, share, 0.0) if self._draw("verified", person) < share else None
        sampled, again = spec.verified.discharged, spec.follow_up
        seen = 0.0 if again is None else again.share
        p_verified = round(1 - (1 - sampled) * (1 - seen), 12)  # 0.05 and not 0.0500…04
        if self._draw("verified", person) < sampled:
            return SAMPLED, p_verified, 0.0
        if again is not None and self._draw("followed_up", person) < seen:
            return FOLLOWED_UP, p_verified, again.after_min
        return None

    def _first(self, event: Due) -> None:
        """Send a patient's first label; plan what follows it."""
        story: _Story = event.what
        person, spec = story.person, self._spec
        truth = bool(person.malignant)
        says = truth != (self._draw("noise", person) < spec.label_noise)
        for place, poison in enumerate(spec.poison):
            if self._reaches(poison, person):
                says = says != (self._draw(f"poison.{place}", person) < poison.share)
        self._tell(story, _WORD[says])
        if self._draw("duplicate", person) < spec.duplicates:
            self._tell(story, _WORD[says])
        if self._draw("unknown", person) < spec.unknown:
            self._publish(story, f"{_UNKNOWN}-{person.case_id}", 1, _WORD[says])
        more = list(self._corrections(person, right=says == truth))
        if more:
            self._later(self._delay_min(person, 2), self._correct, (story, more))

    def _corrections(self, person: Person, *, right: bool) -> Iterator[str]:
        """Yield the labels that revise the first one, each a delay after the one before."""
        if not right and self._draw("corrected", person) < self._spec.corrected:
            yield _WORD[bool(person.malignant)]
        if self._draw("withdrawn", person) < self._spec.withdrawn:
            yield WITHDRAWN

    def _correct(self, event: Due) -> None:
        story, labels = event.what
        story.revision += 1
        self._tell(story, labels[0])
        if labels[1:]:
            delay_min = self._delay_min(story.person, story.revision + 2)
            self._later(delay_min, self._correct, (story, labels[1:]))

    def _tell(self, story: _Story, label: str) -> None:
        story.sent += 1
        message = self._publish(story, story.person.case_id, story.sent, label)
        known = self._counts.get(story.person.number)
        if known is None or known.revision < message.revision:
            self._counts[story.person.number] = message

    def _publish(self, story: _Story, case_id: str, number: int, label: str) -> FeedbackReceived:
        message = FeedbackReceived(
            feedback_id=f"{case_id}.{number}",
            case_id=case_id,
            at_min=self._env.now,
            label=label,
            revision=story.revision,
            way=story.way,
            p_verified=story.p_verified,
        )
        self.received += 1
        self._send(message)
        return message

    def _reaches(self, poison: PoisonSpec, person: Person) -> bool:
        until_min = poison.until_min
        if self._env.now < poison.at_min or (until_min is not None and self._env.now >= until_min):
            return False
        return poison.group is None or _is_in(person, poison.group)

    def _draw(self, purpose: str, person: Person) -> float:
        """Return the patient's uniform number of a purpose."""
        name = self._names[person.class_index]
        stream = self._streams.get((purpose, name))
        if stream is None:
            stream = Uniforms(*self._key, f"feedback.{purpose}.{name}")
            self._streams[purpose, name] = stream
        return stream[person.key]

    def _delay_min(self, person: Person, number: int) -> float:
        delay_min = self._delays.of(person, number)
        assert delay_min is not None  # every class has the same delay
        return delay_min

    def _later(self, minutes: float, then: Callable[[Due], None], what: object) -> None:
        Due(self._env, minutes, (then,), what)


def _is_in(person: Person, group: str) -> bool:
    """Return whether a patient is in a group such as "skin_tone=V-VI"."""
    key, _, value = group.partition("=")
    if key == "class":
        return person.patient_class == value
    if key == "age_band":
        return age_band(person.age) == value
    if key == "skin_tone":
        return GROUP_OF_TONE.get(person.skin_tone or "") == value
    return bool(getattr(person, key) == value)
