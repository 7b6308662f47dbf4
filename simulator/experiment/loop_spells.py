"""The AI over time in one replication: what its verdicts came to, by spell of arrival."""

from itertools import pairwise
from typing import Any, Final

import numpy as np

from simulator.analysis.frames import Patients
from simulator.analysis.tally import tally
from simulator.clinic.journal import Journal
from simulator.experiment.spells import spell_edges
from simulator.language.calendar import DAY_MIN
from simulator.language.form import ScenarioForm
from simulator.language.periods import periods
from twin.events import StackPromoted

SPELLS: Final = 60  # at most about so many; assumption: more points are not read
_SHORT: Final = 20  # of a run too short to be told by day


def loop_edges(scenario: ScenarioForm, warmup_min: float, arrived: int) -> list[float]:
    """Return the edges of the spells in minutes, increasing, from 0.

    A spell is a day, or several days of a long run, or a twentieth of a short one. None spans
    the end of the warm-up, the onset or end of a shift, or of a learner's outage.

    Parameters:
        arrived: how many came; where there is no horizon, they and their mean rate tell the end.
    """
    end_min = scenario.horizon_min
    if end_min is None:
        end_min = spell_edges(scenario, 0.0, arrived)[-1]
    days = end_min / DAY_MIN
    step_min = DAY_MIN * float(np.ceil(days / SPELLS)) if days >= _SHORT / 2 else end_min / _SHORT
    cuts = {float(one) for one in np.arange(0.0, end_min, step_min)}
    cuts |= {warmup_min, *(part.from_min for part in periods(scenario))}
    cuts |= {at for out in scenario.outages for at in (out.at_min, out.at_min + out.for_min)}
    return [*sorted(cut for cut in cuts if 0 <= cut < end_min), float(end_min)]


def loop_spells(scenario: ScenarioForm, journal: Journal, warmup_min: float) -> list[Any]:
    """Return a row for each spell: its time, the tally, labels received, version at its end.

    Patients count by arrival, if they have left with a verdict; labels by when they came.
    """
    patients = Patients(scenario, journal)
    edges = loop_edges(scenario, warmup_min, journal.arrived)
    arrival_min, p_malignant = patients.column("arrival_min"), patients.column("p_malignant")
    malignant, flagged = patients.column("malignant"), patients.column("flagged") > 0
    labelled_min = patients.column("labelled_min")
    known = ~np.isnan(p_malignant) & ~np.isnan(malignant)
    known &= ~np.isnan(patients.column("closed_min"))
    promoted = [one for one in journal.stack_events if isinstance(one, StackPromoted)]
    rows = []
    for from_min, to_min in pairwise(edges):
        # Where a count ends the run, some may come after the time at which it should be reached.
        until = np.inf if to_min == edges[-1] else to_min
        here = known & (arrival_min >= from_min) & (arrival_min < until)
        labels = int(((labelled_min >= from_min) & (labelled_min < until)).sum())
        version = max((one.version for one in promoted if one.at_min < to_min), default=0)
        rows.append(
            {
                "from_min": from_min,
                "to_min": to_min,
                "tally": tally(malignant[here] > 0, flagged[here], p_malignant[here]).as_dict(),
                "labels": labels,
                "version": version,
            }
        )
    return rows
