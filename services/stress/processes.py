"""Memory and processor time of every process of the twin, by component, every few seconds.

Memory is what a process holds for itself: its resident pages less those that are shared, which
Linux tells at once (`/proc/PID/statm`). Proportional sizes would share the common pages out, but
reading them of twenty processes takes a tenth of a core from what is measured. The object store of
Ray, which is shared memory, is a row of its own.
"""

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

EVERY_S: Final = 2.0
STORES: Final = ("kafka", "redis")  # they keep the record, so they grow with what is sent
OBJECTS: Final = "objects"  # Ray's object store
OWN: Final = "main"  # this process: Ray's driver, the explainer, and the load's own sender
_PAGE_MB: Final = os.sysconf("SC_PAGE_SIZE") / 2**20
# What a process is, by its command line, where no component says that it is its own.
_KNOWN: Final = (
    (re.compile(r"services\.cli (worker|restacker|mirror|api)\b"), r"\1"),
    (re.compile(r"\bvalkey|\bredis-server"), "redis"),
    (re.compile(r"\btansu|kafka\.Kafka"), "kafka"),
    (re.compile(r"\bray::|raylet|gcs_server|/ray/|default_worker"), "ray"),
    (re.compile(r"embedded/guard\.py"), "guard"),
)
_OTHERS: Final = "others"

NameOf = Callable[[], Mapping[int, str]]  # process ids that are known to be a component's


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at one time."""

    at_s: float  # of the run's clock
    memory_mb: Mapping[str, float]  # by component
    cpu_share: Mapping[str, float]  # of one core since the look before, by component
    pids: Mapping[str, int]  # number of processes, by component

    @property
    def twin_mb(self) -> float:
        """All but the servers that keep the record."""
        return sum(mb for name, mb in self.memory_mb.items() if name not in STORES)


@dataclass(slots=True)
class Processes:
    """Looks at a process and all that it started.

    Parameters:
        root: its id.
        names: of processes that are known by their ids.
    """

    root: int
    names: NameOf = dict
    clock: Callable[[], float] = time.monotonic
    looks: list[Look] = field(default_factory=list)
    _cpu_s: dict[tuple[int, float], float] = field(default_factory=dict)
    _known: dict[tuple[int, float], str] = field(default_factory=dict)
    _last_s: float | None = None

    def look(self) -> Look:
        """Look once, and keep what was seen."""
        now_s = self.clock()
        memory: defaultdict[str, float] = defaultdict(float)
        spent: defaultdict[str, float] = defaultdict(float)
        count: defaultdict[str, int] = defaultdict(int)
        objects_mb = 0.0
        fresh: dict[tuple[int, float], float] = {}
        named = self.names()
        for process in _tree(self.root):
            try:
                key = (process.pid, process.create_time())
                resident, shared = _statm(process.pid)
                times = process.cpu_times()
                name = named.get(process.pid) or self._name(key, process)
            except (psutil.Error, OSError):
                continue  # it ended while we looked
            memory[name] += resident - shared
            count[name] += 1
            if name == "ray":
                objects_mb = max(objects_mb, _shared_memory_mb(process.pid))
            fresh[key] = times.user + times.system
            spent[name] += fresh[key] - self._cpu_s.get(key, fresh[key])
        memory[OBJECTS] = objects_mb
        since_s = now_s - self._last_s if self._last_s is not None else 0.0
        shares = {name: value / since_s if since_s > 0 else 0.0 for name, value in spent.items()}
        self._cpu_s, self._last_s = fresh, now_s
        found = Look(now_s, dict(memory), shares, dict(count))
        self.looks.append(found)
        return found

    def loop(self, stop: threading.Event) -> None:
        """Look every few seconds until stopped."""
        while not stop.wait(EVERY_S):
            self.look()

    def _name(self, key: tuple[int, float], process: psutil.Process) -> str:
        if key[0] == self.root:
            return OWN
        command = " ".join(process.cmdline())
        # A process of Ray's takes the name of its actor only once it is one.
        if key not in self._known or self._known[key] == "ray":
            self._known[key] = component_of(command)
        return self._known[key]


def component_of(command: str) -> str:
    """Return what a process is, by its command line.

    >>> component_of("python -m services.cli mirror --with-parent"), component_of("sleep 5")
    ('mirror', 'others')
    """
    for pattern, name in _KNOWN:
        match = pattern.search(command)
        if match is not None:
            return match.expand(name)
    return _OTHERS


def _tree(root: int) -> list[psutil.Process]:
    try:
        first = psutil.Process(root)
        return [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _statm(pid: int) -> tuple[float, float]:
    """Return resident and shared memory of a process, MiB."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()
    except FileNotFoundError:
        if Path("/proc/self/statm").exists():
            raise
        return psutil.Process(pid).memory_info().rss / 2**20, 0.0  # no Linux: all there is
    return int(fields[1]) * _PAGE_MB, int(fields[2]) * _PAGE_MB


def _shared_memory_mb(pid: int) -> float:
    """Return the shared memory that a process has touched, MiB; 0 where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    match = re.search(r"^RssShmem:\s+(\d+) kB", text, re.MULTILINE)
    return int(match[1]) / 2**10 if match else 0.0
