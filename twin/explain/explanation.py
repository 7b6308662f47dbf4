"""What an explainer answers about one image."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.explain.faithfulness import Faithfulness
from twin.explain.maps import Map


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why the stack answered as it did on one image."""

    log_odds: float  # the stack's log-odds of malignancy, in nats: what the maps are about
    maps: tuple[Map, ...]  # in the order asked
    checks: Mapping[str, Faithfulness] = field(default_factory=dict)  # per method, if asked for
