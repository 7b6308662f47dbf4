"""What can be done to a twin that is up: each action, its targets, and what goes with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

Learner = Literal["catboost", "xgboost", "svm", "random_forest", "gradient_boosting", "knn"]
LEARNERS: Final[tuple[str, ...]] = get_args(Learner)
COMPONENTS: Final = ("stem", *LEARNERS, "meta")  # processes of Ray
CHILDREN: Final = ("worker", "restacker", "mirror", "api")  # processes of the deployment
MESSAGES: Final = (
    "duplicates",
    "reordered",
    "corrupt",
    "oversized",
    "poison",
    "labels_twice",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One kind of disturbance."""

    about: str  # one sentence for whoever writes a scenario
    targets: tuple[str, ...]
    lasts: bool = False  # whether `for` is needed; else it is refused
    by: bool = False  # whether `by` is
    count: bool = False  # whether `count` is


ACTIONS: Final[Mapping[str, Action]] = {
    "kill": Action(
        about="A process ends at once (SIGKILL); whoever started it starts it again.",
        targets=(*CHILDREN, "redis", *COMPONENTS),
    ),
    "freeze": Action(
        about="A process stands still (SIGSTOP) and goes on afterwards (SIGCONT).",
        targets=(*CHILDREN, "redis", "kafka", *COMPONENTS),
        lasts=True,
    ),
    "restart": Action(
        about="A server is stopped in order and started again with its data.",
        targets=("kafka", "redis"),
    ),
    "cut_off": Action(
        about="The network between the twin and a server is cut.",
        targets=("kafka", "redis"),
        lasts=True,
    ),
    "flush": Action(about="Everything in a server is deleted.", targets=("redis",)),
    "fill": Action(
        about="redis: its memory is full; disk: the run folder's is.",
        targets=("redis", "disk"),
        lasts=True,
    ),
    "slow": Action(
        about="A component takes longer, `by` for each batch.",
        targets=COMPONENTS,
        lasts=True,
        by=True,
    ),
    "skew": Action(
        about="The wall clock of a process is wrong, `by` so much; negative: it is slow.",
        targets=CHILDREN,
        lasts=True,
        by=True,
    ),
    "send": Action(
        about="`count` messages that nobody should send, among the others.",
        targets=MESSAGES,
        count=True,
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """Something done to a twin that is up; times are seconds from the begin of the load."""

    at_s: float
    for_s: float | None  # None where it is over at once
    action: str  # one of ACTIONS
    target: str  # one of the action's; worker-2 is the second of several workers
    by_s: float | None = None  # with slow, and with skew, where it may be negative
    count: int | None = None  # with send

    def __str__(self) -> str:
        return f"{self.action} {self.target}"
