"""The audit log: who changed what, and who was refused."""

import threading
import time
from pathlib import Path
from queue import Empty, Full, Queue
from typing import Any, Final

from services.api.security.admission import SAFE_METHODS
from services.api.security.audit_file import AuditFile
from services.api.security.envelope import Exchange
from services.api.security.refusals import Refusals
from services.logs import Log

FILE_NAME: Final = "audit.jsonl"  # in DERMTWIN_HOME
_REFUSED: Final = frozenset({401, 403, 429})
_WAITING: Final = 10_000  # entries that wait for the disk; assumption: minutes of submissions
_LOOK_S: Final = 1.0  # how often the thread looks whether a window of refusals is over
_LONGEST: Final = 300


class AuditTrail:
    """Writes the audit log in a thread of its own, so that no request waits for a disk.

    A line is with the operating system within a moment of the answer: it survives the end of the
    process, not that of the machine's power. What cannot be written is counted, said in the log,
    and written as a number once it can.

    Parameters:
        file: to append to.
        log: told where the file cannot be written.
        most_bytes: of a file, before the next is begun.
        files: kept, the present one included.
    """

    def __init__(
        self, file: Path, log: Log, *, most_bytes: int = 20_000_000, files: int = 5
    ) -> None:
        self.file = AuditFile(file, most_bytes, files)
        self._log = log
        self._refusals = Refusals()
        self._lock = threading.Lock()
        self._queue: Queue[dict[str, Any] | None] = Queue(_WAITING)
        self._lost = 0
        self._thread = threading.Thread(target=self._work, name="audit", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        """Note an exchange if it is for the audit log; never blocks."""
        unsafe = exchange.method not in SAFE_METHODS
        refused = exchange.status in _REFUSED
        if not (unsafe or refused):
            return
        # Nobody known and nothing done is a refusal, too: POST / answers 405 to everybody.
        if refused or (exchange.principal is None and exchange.status >= 400):
            with self._lock:
                if not self._refusals.is_written(exchange):
                    return
        self.write(
            {
                "kind": "refused" if refused else "request",
                "at_unix_s": round(exchange.at_unix_s, 3),
                "principal": exchange.principal,
                "via": exchange.via,
                "peer": exchange.peer,
                "method": exchange.method[:20],
                "path": exchange.path[:_LONGEST],
                "about": exchange.about[:_LONGEST] if exchange.about else None,
                "status": exchange.status,
                "request_id": exchange.request_id,
            }
        )

    def write(self, entry: dict[str, Any]) -> None:
        """Have an entry written; one too many to wait is counted instead."""
        try:
            self._queue.put_nowait(entry)
        except Full:
            with self._lock:
                self._lost += 1

    def close(self) -> None:
        """Write what waits, and end the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def settle(self) -> None:
        """Wait until everything noted so far is written, or was tried."""
        self._queue.join()

    def _work(self) -> None:
        while True:
            try:
                entry = self._queue.get(timeout=_LOOK_S)
            except Empty:
                self._put(self._sums(ended=False))
                continue
            try:
                if entry is None:
                    self._put(self._sums(ended=True))
                    return
                self._put([*self._sums(ended=False), entry])
            finally:
                self._queue.task_done()

    def _sums(self, *, ended: bool) -> list[dict[str, Any]]:
        with self._lock:
            lines = self._refusals.summed_up(time.time(), ended=ended)
            if self._lost:
                lines.append({"kind": "lost", "at_unix_s": time.time(), "count": self._lost})
                self._lost = 0
        return lines

    def _put(self, entries: list[dict[str, Any]]) -> None:
        for entry in entries:
            try:
                self.file.append(entry)
            except OSError as error:
                with self._lock:
                    self._lost += entry["count"] if entry["kind"] == "lost" else 1
                if entry["kind"] != "lost":
                    self._log.error("audit log cannot be written", reason=error.strerror)
