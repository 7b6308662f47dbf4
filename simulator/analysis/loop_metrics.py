"""Labels that came back, and decisions about the stack, as metrics of one replication."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from simulator.analysis.frames import Mask, Patients
from twin.events import StackEvent, StackPromoted, StackRejected


class Sheet(Protocol):
    """Where figures are kept."""

    def put(self, name: str, value: float, n: int) -> None:
        """Keep a value that rests on `n` cases."""
        ...

    def put_share(self, name: str, part: float, whole: float, why: str) -> None:
        """Keep a part of a whole, or why there is none."""
        ...


def count_labels(sheet: Sheet, patients: Patients, inside: Mask) -> None:
    """Keep how many labels there are at the end of the run, and how many of them are wrong.

    Parameters:
        inside: who arrived within the window, shape (patients,).
    """
    label, malignant = patients.column("label"), patients.column("malignant")
    labelled = inside & ~np.isnan(label)
    says = label > 0
    wrong = labelled & ~np.isnan(malignant) & (says != (malignant > 0))
    everyone = np.ones(len(patients), dtype=bool)
    groups = [(f"{{{key}={value}}}", mask) for key, value, mask in patients.groups()]
    for where, mask in [("", everyone), *groups]:
        n = int((labelled & mask).sum())
        sheet.put(f"labels.count{where}", float(n), n)
        sheet.put(f"labels.malignant{where}", float((labelled & says & mask).sum()), n)
        sheet.put_share(f"labels.wrong.share{where}", int((wrong & mask).sum()), n, "no labels")


def count_stacks(sheet: Sheet, events: Sequence[StackEvent]) -> None:
    """Keep how often the stack was changed and how often not, over the whole run."""
    promoted = [one for one in events if isinstance(one, StackPromoted) and one.epoch > 0]
    back = sum(one.how == "rollback" for one in promoted)
    stayed = [one.verdict for one in events if isinstance(one, StackRejected)]
    epochs = len(promoted) + len(stayed)
    sheet.put("stacks.promoted", float(len(promoted) - back), epochs)
    sheet.put("stacks.rejected", float(stayed.count("rejected")), epochs)
    sheet.put("stacks.waiting", float(stayed.count("waiting")), epochs)
    sheet.put("stacks.rollbacks", float(back), epochs)
