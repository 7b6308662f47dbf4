"""What an explanation says, as it is kept in Redis: facts as JSON, the map as an array."""

import json
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.explaining.overlay import ends_of
from twin.arrays import pack, unpack
from twin.explain.explanation import Explanation
from twin.explain.faithfulness import Faithfulness
from twin.explain.fidelity import LEAST_RANK_CORRELATION
from twin.explain.maps import Map
from twin.meta import MetaStack

_MAP: Final = "map"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """An explanation, without who asked for it."""

    facts: dict[str, Any]
    values: NDArray[np.float32]  # of the map, (224, 224), from 0 to 1

    def raw(self) -> NDArray[np.float32]:
        """Return the map in the method's own unit."""
        low, high = self.facts["map"]["low"], self.facts["map"]["high"]
        scaled: NDArray[np.float32] = (low + self.values * (high - low)).astype(np.float32)
        return scaled

    def fields(self) -> dict[str, bytes]:
        """Return it as a Redis hash."""
        facts = json.dumps(self.facts, sort_keys=True, allow_nan=False).encode()
        return {"facts": facts, "map": pack({_MAP: self.values})}


def found_of(fields: dict[bytes, bytes]) -> Found | None:
    """Read a Redis hash; None where there is none.

    Raises:
        ArtefactError: it is no explanation.
    """
    if b"facts" not in fields or b"map" not in fields:
        return None
    values = unpack(fields[b"map"], "explanation")[_MAP]
    return Found(facts=json.loads(fields[b"facts"]), values=values)


def found(
    explanation: Explanation,
    meta: MetaStack,
    log_odds: dict[str, float],
    sketch: tuple[float, ...],
    took_s: float,
) -> Found:
    """Return what is kept of an explanation by one method.

    Parameters:
        meta: the stack version that answered.
        log_odds: of the learners that answered, in nats, as the verdict has them.
        sketch: likewise.
        took_s: what it took to explain.
    """
    from twin.explain.contributions import contributions

    (one,) = explanation.maps
    told = contributions(log_odds, meta, sketch)
    check = explanation.checks.get(one.method)
    facts = {
        "model_id": one.model_id,
        "log_odds_nats": told.log_odds,
        "log_odds_explained_nats": explanation.log_odds,
        "intercept_nats": told.intercept,
        "contributions": [
            {"name": part.name, "vote": part.vote, "weight": part.weight, "nats": part.nats}
            for part in told.parts
        ],
        "fidelity": {
            "rank_correlation": one.fidelity,
            "least": LEAST_RANK_CORRELATION,
            "is_low": None if one.fidelity is None else one.fidelity < LEAST_RANK_CORRELATION,
        },
        "map": _map(one),
        "deletion": None if check is None else _deletion(check),
        "insertion": None if check is None else _insertion(check),
        "took_s": round(took_s, 3),
    }
    return Found(facts=facts, values=one.values)


def _map(one: Map) -> dict[str, Any]:
    values = one.values.astype(np.float64)
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    falling = np.sort(values.ravel())[::-1].cumsum()
    half = int(np.searchsorted(falling, falling[-1] / 2)) + 1
    low_shown, high_shown = ends_of(one)
    return {
        "low": one.low,
        "high": one.high,
        "low_shown": low_shown,
        "high_shown": high_shown,
        "edge_px": values.shape[0],
        "mean": round(float(values.mean()), 6),
        "peak_row_px": int(row),
        "peak_column_px": int(column),
        "half_in_share": round(half / values.size, 6) if falling[-1] > 0 else None,
    }


def _deletion(check: Faithfulness) -> dict[str, Any]:
    return {
        "area_nats": round(check.deletion_area, 6),
        "random_area_nats": round(check.random_deletion_area, 6),
        "beats_random": check.deletion_beats_random,
    }


def _insertion(check: Faithfulness) -> dict[str, Any]:
    return {
        "area_nats": round(check.insertion_area, 6),
        "random_area_nats": round(check.random_insertion_area, 6),
        "beats_random": check.insertion_beats_random,
    }
