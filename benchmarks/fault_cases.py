"""The faults of the matrix, with what people see meanwhile and what has to be expected."""

from dataclasses import dataclass
from typing import Final

from simulator.language.disturbances import Disturbance


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultCase:
    """One row of the matrix."""

    name: str
    action: str
    target: str
    for_s: float | None = None
    by_s: float | None = None
    count: int | None = None
    real_only: str = ""  # why the embedded servers do not do for it
    letters: int = 0  # dead letters that have to be there afterwards
    seen: str  # by people, meanwhile

    def at(self, at_s: float) -> Disturbance:
        """Return it at a moment."""
        return Disturbance(
            at_s=at_s,
            for_s=self.for_s,
            action=self.action,
            target=self.target,
            by_s=self.by_s,
            count=self.count,
        )


_MEMORY: Final = "the embedded broker keeps its log in memory"
_LATER: Final = "answers come later; the page says that the worker is down"
_STALE: Final = "the page says how old its state is; answers come as ever"

CASES: Final = (
    FaultCase(name="kill worker", action="kill", target="worker", seen=_LATER),
    FaultCase(
        name="kill restacker", action="kill", target="restacker", seen="decisions come later"
    ),
    FaultCase(name="kill mirror", action="kill", target="mirror", seen=_STALE),
    FaultCase(name="kill api", action="kill", target="api", seen="the page reconnects"),
    FaultCase(
        name="kill stem", action="kill", target="stem", seen="answers come later; stem restarting"
    ),
    FaultCase(
        name="kill knn", action="kill", target="knn", seen="answers come later; knn restarting"
    ),
    FaultCase(
        name="kill meta", action="kill", target="meta", seen="answers come later; meta restarting"
    ),
    FaultCase(name="kill redis", action="kill", target="redis", seen=_STALE),
    FaultCase(name="freeze worker", action="freeze", target="worker", for_s=5.0, seen=_LATER),
    FaultCase(
        name="freeze worker for good",
        action="freeze",
        target="worker",
        for_s=25.0,
        seen="answers come later; after 15 s the worker is given up for another",
    ),
    FaultCase(name="freeze mirror", action="freeze", target="mirror", for_s=5.0, seen=_STALE),
    FaultCase(
        name="freeze knn", action="freeze", target="knn", for_s=5.0, seen="answers come later"
    ),
    FaultCase(name="freeze redis", action="freeze", target="redis", for_s=5.0, seen=_STALE),
    FaultCase(
        name="freeze kafka",
        action="freeze",
        target="kafka",
        for_s=5.0,
        seen="nothing new; what is sent waits",
    ),
    FaultCase(
        name="restart kafka",
        action="restart",
        target="kafka",
        real_only=_MEMORY,
        seen="nothing new; what is sent waits",
    ),
    FaultCase(name="restart redis", action="restart", target="redis", seen=_STALE),
    FaultCase(
        name="cut off kafka",
        action="cut_off",
        target="kafka",
        for_s=5.0,
        real_only="the embedded broker has one listener, which is the load's, too",
        seen="answers come later",
    ),
    FaultCase(name="cut off redis", action="cut_off", target="redis", for_s=5.0, seen=_STALE),
    FaultCase(name="flush redis", action="flush", target="redis", seen=_STALE),
    FaultCase(name="fill redis", action="fill", target="redis", for_s=5.0, seen=_STALE),
    FaultCase(
        name="fill disk",
        action="fill",
        target="disk",
        for_s=5.0,
        seen="nothing; lines of logs are missing",
    ),
    FaultCase(
        name="slow catboost",
        action="slow",
        target="catboost",
        for_s=6.0,
        by_s=0.2,
        seen="latency rises by 0.2 s a batch",
    ),
    FaultCase(
        name="skew mirror",
        action="skew",
        target="mirror",
        for_s=6.0,
        by_s=300.0,
        seen="nothing: ages are told by one clock",
    ),
    FaultCase(
        name="skew worker",
        action="skew",
        target="worker",
        for_s=6.0,
        by_s=7200.0,  # Kafka refuses messages of an hour ahead, unless it stamps them itself
        seen="nothing: the broker stamps all messages",
    ),
    FaultCase(
        name="send duplicates",
        action="send",
        target="duplicates",
        count=10,
        seen="counted as duplicates",
    ),
    FaultCase(name="send reordered", action="send", target="reordered", count=10, seen="nothing"),
    FaultCase(
        name="send corrupt",
        action="send",
        target="corrupt",
        count=16,
        letters=16,
        seen="dead letters, each with its reason",
    ),
    FaultCase(
        name="send oversized",
        action="send",
        target="oversized",
        count=3,
        letters=3,
        seen="dead letters, each with its reason",
    ),
    FaultCase(
        name="send poison",
        action="send",
        target="poison",
        count=2,
        seen="verdicts of those cases lack one learner, which is restarted",
    ),
    FaultCase(
        name="send labels twice",
        action="send",
        target="labels_twice",
        count=10,
        seen="counted as duplicates",
    ),
)
BY_NAME: Final = {one.name: one for one in CASES}
