"""The twin that is up, as a run that attaches to it sees it; and what it cannot do for one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psutil

from services.attach.loop_part import same_loop
from services.attach.survey import Survey
from services.config import Settings
from services.upfile import UpFile
from simulator.language.schema import Scenario
from twin.errors import DependencyError, ScenarioError, SettingsError

_OPTION: Final = "--attach"
_ON_ITS_OWN: Final = "leave --attach out, and it brings a twin of its own up"


@dataclass(frozen=True, slots=True)
class UpTwin:
    """A twin that is up: the note that `dermtwin up` left, and where it is."""

    settings: Settings
    note: Mapping[str, str]

    @classmethod
    def find(cls, settings: Settings) -> "UpTwin":
        """Return the twin that is up in this home.

        Raises:
            DependencyError: none is.
        """
        note = UpFile(settings.home).read()
        if note is None:
            where = f"in {settings.home}"
            raise DependencyError(f"no twin is up {where}: start one with `dermtwin up`")
        return cls(settings, note)

    @property
    def model_id(self) -> str:
        """The model that answers."""
        return self.note["model_id"]

    @property
    def redis(self) -> str:
        """Address of the twin's Redis."""
        return self.settings.redis or self.note["redis"]

    def ensure_up(self) -> None:
        """Make sure that it is still there.

        Raises:
            DependencyError: it has ended, or another one has come in its place.
        """
        pid = int(self.note["pid"])
        try:
            now = UpFile(self.settings.home).read()
        except (OSError, ValueError):  # it is being taken away, or written by another one
            now = None
        if now is None or int(now["pid"]) != pid or _is_dead(pid):
            raise DependencyError(f"the twin that was up has ended: process {pid}")

    def ensure_model(self, chosen: str | None) -> None:
        """Refuse another model than the twin's.

        Raises:
            SettingsError: one was asked for.
        """
        if chosen is not None and chosen != self.model_id:
            reason = f"the twin that is up answers with {self.model_id}: bring it up with --model"
            raise SettingsError("--model", chosen, reason)

    def ensure_fits(self, scenario: Scenario, source: str) -> tuple[str, ...]:
        """Refuse what this twin cannot do; return what is to be known, in words.

        Raises:
            ScenarioError: naming the key, and what to do.
        """
        looped = bool(scenario.restack or scenario.drift or scenario.outages)
        key = next((one for one in ("restack", "drift", "faults") if getattr(scenario, one)), "")
        if looped and not same_loop(scenario, self.note):
            does = self.note.get("at_epochs", "nothing")
            reason = f"the twin that is up does not do this (it does at epochs: {does})"
            # A twin cannot be brought up for faults alone: it says that there is no loop.
            cure = (
                "" if key == "faults" else f"start it with `dermtwin up --scenario {source}`, or "
            )
            raise ScenarioError(source, 0, key, f"{reason}; {cure}{_ON_ITS_OWN}")
        if looped and scenario.replications.max > 1:
            reason = "each replication needs a log of its own where the stack changes"
            raise ScenarioError(source, 0, "replications", f"{reason}: 1 with {_OPTION}")
        self._ensure_threshold(scenario, source, looped=looped)
        if not looped and "loop_digest" in self.note:
            return ("answers are those of the stack in force: the twin that is up may change it",)
        return ()

    def ensure_room(self, found: Survey, scenario: Scenario, source: str) -> None:
        """Refuse a log that a run whose stack changes must not share.

        Raises:
            ScenarioError: somebody's cases are on it.
        """
        if (scenario.restack or scenario.drift or scenario.outages) and not found.is_fresh:
            key = next(one for one in ("restack", "drift", "faults") if getattr(scenario, one))
            reason = "the live log holds cases already, which the stack would be fitted to, too"
            cure = f"take the twin down and start it anew with `dermtwin up --scenario {source}`"
            raise ScenarioError(source, 0, key, f"{reason}; {cure}, or {_ON_ITS_OWN}")

    def _ensure_threshold(self, scenario: Scenario, source: str, *, looped: bool) -> None:
        named = scenario.operating_point
        if named is None and not looped:
            return  # whatever the twin has: it is the scenario's wish
        now = self.note.get("threshold")
        wanted = self.note.get("model_threshold") if named is None else repr(named)
        if wanted != now:
            reason = f"the operating point of the twin that is up is {now}, not {wanted}"
            cure = f"say `threshold: model`, or {_ON_ITS_OWN}"
            raise ScenarioError(source, 0, "decision.threshold", f"{reason}: {cure}")


def _is_dead(pid: int) -> bool:
    """Return whether a process has ended, though its parent may not know yet."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
