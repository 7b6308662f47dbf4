"""How fast answers come: the cold start and the steady rate are told apart."""

import time
from dataclasses import dataclass

import psutil


@dataclass(slots=True)
class Pace:
    """Counts answers as they come."""

    answers: int = 0
    first_answers: int = 0  # that came together as the first
    first_s: float = 0.0  # monotonic
    last_s: float = 0.0  # monotonic
    cold_start_s: float | None = None  # from the start of the process to the first answer

    def tick(self, answers: int) -> None:
        """Take note of answers that have just come."""
        self.last_s = time.perf_counter()
        if self.cold_start_s is None:
            self.cold_start_s = round(time.time() - psutil.Process().create_time(), 2)
            self.first_s, self.first_answers = self.last_s, answers
        self.answers += answers

    def cases_per_s(self) -> float | None:
        """Return the steady rate: answers after the first ones, over the time since those.

        None if all answers came at once: then there is no rate to measure.
        """
        rest = self.answers - self.first_answers
        return round(rest / (self.last_s - self.first_s), 2) if rest else None
