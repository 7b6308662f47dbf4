"""Carries out one disturbance, and gives what undoes it. Everything that was done can be undone."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from services.faults.drill_file import DrillFile
from services.faults.hands import ServerHand
from services.faults.messages import Messages
from services.faults.processes import freeze, kill, no_disk
from services.faults.proxy import Cable
from services.faults.redis_faults import fill, flush
from simulator.language.disturbances import CHILDREN, Disturbance
from twin.errors import DependencyError

Undo = Callable[[], None]
SERVERS: Final = ("kafka", "redis")


class Twin(Protocol):
    """The twin that is up, as far as faults need to know it."""

    @property
    def redis(self) -> str:
        """Address of Redis."""
        ...

    def pid_of(self, name: str) -> int | None:
        """Return the process of a child, a component or an embedded server; None while down."""
        ...


class RefusedError(DependencyError):
    """A fault that cannot be carried out here, and why."""


class Injector:
    """Does to a twin what a disturbance says.

    Parameters:
        hands: on servers of ours, by name. What needs one that is not there is refused: nothing is
            done to a server that is somebody else's.
        cables: between the twin and a server, by name.
        orders: the file that `DERMTWIN_DRILL` names; None if the twin was started without.
        messages: sends what nobody should send; None without.
        refusals: why a hand or a cable is not there, by `action target`.
    """

    def __init__(
        self,
        twin: Twin,
        *,
        hands: Mapping[str, ServerHand] | None = None,
        cables: Mapping[str, Cable] | None = None,
        orders: DrillFile | None = None,
        messages: Messages | None = None,
        refusals: Mapping[str, str] | None = None,
    ) -> None:
        self._twin = twin
        self._hands = hands or {}
        self._cables = cables or {}
        self._orders = orders
        self.messages = messages
        self._refusals = refusals or {}
        self._actions: dict[str, Callable[[Disturbance], Undo | None]] = {
            "kill": self._kill,
            "freeze": self._freeze,
            "restart": self._restart,
            "cut_off": self._cut_off,
            "flush": self._flush,
            "fill": self._fill,
            "slow": self._slow,
            "skew": self._skew,
            "send": self._send,
        }

    def carry_out(self, asked: Disturbance) -> Undo | None:
        """Do it; return what ends it, None where it is over.

        Raises:
            RefusedError: it cannot be done here.
            DependencyError: it failed.
        """
        if (reason := self._refusals.get(f"{asked.action} {asked.target}")) is not None:
            raise RefusedError(reason)
        return self._actions[asked.action](asked)

    def _pid(self, name: str) -> int:
        hand = self._hands.get(name)
        pid = self._twin.pid_of(name) if hand is None else hand.pid
        if pid is None:
            why = "it is not ours" if name in SERVERS else "it has no process now"
            raise RefusedError(f"{name}: {why}")
        return pid

    def _hand(self, name: str) -> ServerHand:
        if name not in self._hands:
            raise RefusedError(f"{name} is not ours: nothing is done to others' servers")
        return self._hands[name]

    def _file(self) -> DrillFile:
        if self._orders is None:
            raise RefusedError("the twin was started without DERMTWIN_DRILL: it takes no orders")
        return self._orders

    def _kill(self, asked: Disturbance) -> None:
        if asked.target not in self._hands:
            kill(self._pid(asked.target))
            return
        hand = self._hands[asked.target]
        hand.stop(kill=True)
        hand.start()

    def _freeze(self, asked: Disturbance) -> Undo:
        return freeze(self._pid(asked.target))

    def _restart(self, asked: Disturbance) -> None:
        hand = self._hand(asked.target)
        hand.stop(kill=False)
        hand.start()

    def _cut_off(self, asked: Disturbance) -> Undo:
        if asked.target not in self._cables:
            raise RefusedError(f"the twin reaches {asked.target} without a cable of ours between")
        cable = self._cables[asked.target]
        cable.pull()
        return cable.plug

    def _flush(self, asked: Disturbance) -> None:
        self._hand(asked.target)
        flush(self._redis())

    def _fill(self, asked: Disturbance) -> Undo:
        if asked.target == "redis":
            self._hand("redis")
            return fill(self._redis())
        pids = [pid for name in CHILDREN if (pid := self._twin.pid_of(name)) is not None]
        return no_disk(pids)

    def _redis(self) -> str:
        """Return the address behind the cable: what is done to Redis does not go through it."""
        cable = self._cables.get("redis")
        if cable is None or cable.target is None:
            return self._twin.redis
        host, port = cable.target
        return f"redis://{host}:{port}/0"

    def _slow(self, asked: Disturbance) -> Undo:
        orders = self._file()
        orders.slow(asked.target, asked.by_s or 0.0)
        return lambda: orders.slow(asked.target, 0.0)

    def _skew(self, asked: Disturbance) -> Undo:
        orders = self._file()
        orders.skew(asked.target, asked.by_s or 0.0)
        return lambda: orders.skew(asked.target, 0.0)

    def _send(self, asked: Disturbance) -> None:
        if self.messages is None:
            raise RefusedError("nobody here sends messages")
        if asked.target == "poison":
            self._file()
        self.messages.send(asked.target, asked.count)
