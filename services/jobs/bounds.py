"""How much a posted scenario may ask for: one request must not take the machine for a week."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.experiments.plan import Point

_MODEL_ID: Final = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one run, all its replications and sweep points together. All are assumptions.

    Parameters:
        runs: replications, summed over the points of a sweep.
        patients: expected in all of them; nominal ones take some minutes.
        images: that a model learns from, that banks hold, and that the twin scores on the way.
        wall_h: of a scenario on the real clock.
    """

    runs: int = 1_000
    patients: int = 5_000_000
    images: int = 50_000
    wall_h: float = 24.0

    def exceeded(
        self, points: Sequence["Point"], *, scored: bool = False
    ) -> Iterator[tuple[str, str]]:
        """Yield the key and the reason of each bound that the points of a run exceed.

        Parameters:
            points: of the run.
            scored: every patient gets an image that the twin scores, also nominal ones.
        """
        from simulator.analysis.forecast import expected_patients
        from simulator.language.cases import KnownModel, SyntheticModel

        runs = patients = images = 0.0
        for point in points:
            scenario = point.scenario
            most = scenario.replications.max
            coming = expected_patients(scenario)
            # None: each image of the data directory once, however many whoever set it up put there.
            coming = 0.0 if coming is None else coming * most
            runs += most
            patients += coming
            if scored or scenario.asks_twin:
                images += coming
            if scenario.bank is not None and isinstance(scenario.bank.size, int):
                images += scenario.bank.size
            model = scenario.model
            if isinstance(model, SyntheticModel) and scenario.has_images:
                images += model.cases
            if isinstance(model, KnownModel) and not _MODEL_ID.fullmatch(model.id):
                # It could be the path of a directory, too.
                yield "model.id", f"{model.id[:40]!r} is no id of a model: 12 hexadecimal digits"
                return
            if scenario.clock == "real":
                wall_h = (scenario.horizon_min or math.inf) / scenario.speed / 60 * most
                if wall_h > self.wall_h:
                    yield "speed", f"{wall_h:.3g} h on the wall clock; at most {self.wall_h:g}"
                    return
        for key, what, asked, bound in (
            ("replications", "runs over all points", runs, self.runs),
            ("arrivals", "patients expected in all runs", patients, self.patients),
            ("cases", "images to learn from, to keep in banks and to score", images, self.images),
        ):
            if asked > bound:
                yield key, f"{asked:.0f} {what}; this server takes at most {bound}"
