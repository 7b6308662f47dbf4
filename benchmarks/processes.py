"""Runs a command, and watches the memory of its whole process tree."""

import json
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Any

import psutil


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command did."""

    wall_s: float
    peak_mb: float  # proportional set size of the tree: shared pages are counted once; or 0
    result: dict[str, Any]  # its JSON


def run_json(command: list[str], *, watch_memory: bool = False) -> Ran:
    """Run a command that prints one JSON object; raise if it fails.

    Watching the memory of twenty processes slows them down: do not time such a run.
    """
    started_s = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak = [0.0]
    done = threading.Event()
    sampler = threading.Thread(target=_sample, args=(process.pid, done, peak))
    if watch_memory:
        sampler.start()
    out, err = process.communicate()
    done.set()
    if watch_memory:
        sampler.join()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{err[-2000:]}")
    return Ran(time.perf_counter() - started_s, peak[0], json.loads(out))


def _sample(pid: int, done: threading.Event, peak: list[float]) -> None:
    while not done.wait(1.0):
        try:
            root = psutil.Process(pid)
            tree = [root, *root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return
        total = 0.0
        for process in tree:
            try:
                total += process.memory_full_info().pss
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        peak[0] = max(peak[0], total / 2**20)
