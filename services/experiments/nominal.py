"""Experiments without a twin in the loop: replications run here, or as Ray tasks on all cores."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from actors.tasks import spread
from services.console import Bars
from services.experiments.plan import Point
from services.experiments.store import Store
from services.experiments.warmup import Warm, warm_up_of
from services.experiments.work import Done, Piece, do
from simulator.cases.bank import Bank
from simulator.experiment.aggregate import wanted_replications
from simulator.experiment.result import ReplicationResult
from simulator.language.scenario import resolved

# Ray and its workers take about ten seconds to come up on a slow machine (measured on two cores);
# work that is done sooner here is done here.
_WORTH_S: Final = 20.0
PILOTS: Final = 5  # replications whose average the warm-up is read off; assumption


class Runner:
    """Runs the points of an experiment, each until it has the replications that it needs.

    Parameters:
        workers: most at once; None lets the first replication decide whether Ray is worth it.
        address: of a Ray cluster.
        banks: of the points that have one, by place.
        keeps_records: whether the tables and the log of each first replication are written.
    """

    def __init__(
        self,
        store: Store,
        workers: int | None,
        cores: int,
        address: str | None,
        bars: Bars,
        banks: Mapping[int, Bank] | None = None,
        *,
        keeps_records: bool = True,
    ) -> None:
        self._store = store
        self._workers = workers
        self._cores = cores
        self._address = address
        self._bars = bars
        self._banks = banks or {}
        self._keeps_records = keeps_records
        self._took_s: float | None = None  # by the last piece that was done here
        self._here = 0  # pieces done here
        self._done = 0
        self._all = 0
        # Pieces done by each node of a cluster, by Ray's id; pilots are pieces, too.
        self.nodes: Counter[str] = Counter()

    def run(self, points: Sequence[Point]) -> tuple[list[list[ReplicationResult]], list[Warm]]:
        """Return the results of each point in order of replication, and its warm-up."""
        texts = [resolved(point.scenario) for point in points]
        warm = self._warm(points, texts)
        found = [self._store.kept(place) for place in range(len(points))]
        wanted = [max(point.scenario.replications.min for point in points)] * len(points)
        while True:
            # In order, so that what is asked for next does not depend on what was interrupted.
            self._fill(points, texts, warm, found, wanted)
            results = [
                [found[place][number] for number in range(wanted[place])]
                for place in range(len(points))
            ]
            grown = [
                max(count, wanted_replications(point.scenario, done)[0])
                for point, done, count in zip(points, results, wanted, strict=True)
            ]
            # All points have as many, so that every replication has its pair.
            grown = [max(grown)] * len(points)
            if grown == wanted:
                return results, warm
            wanted = grown

    def _warm(self, points: Sequence[Point], texts: Sequence[str]) -> list[Warm]:
        pieces, owners = [], []
        for place, point in enumerate(points):
            if point.scenario.warmup_min == "auto":
                for number in range(min(PILOTS, point.scenario.replications.min)):
                    pieces.append(
                        Piece(
                            scenario=texts[place],
                            replication=number,
                            warmup_min=None,
                            bank=self._banks.get(place),
                        )
                    )
                    owners.append(place)
        series: dict[int, dict[int, Sequence[float]]] = {}
        for index, done in self._each(pieces, "warm-up"):
            series.setdefault(owners[index], {})[done.piece.replication] = done.series
        return [
            warm_up_of(point.scenario, [found[number] for number in sorted(found)])
            for place, point in enumerate(points)
            for found in [series.get(place, {})]
        ]

    def _fill(
        self,
        points: Sequence[Point],
        texts: Sequence[str],
        warm: Sequence[Warm],
        found: list[dict[int, ReplicationResult]],
        wanted: Sequence[int],
    ) -> None:
        pieces, owners = [], []
        for place, point in enumerate(points):
            records = self._store.records(place, several=len(points) > 1)
            for number in range(wanted[place]):
                if number not in found[place]:
                    pieces.append(
                        Piece(
                            scenario=texts[place],
                            replication=number,
                            warmup_min=warm[place].warmup_min,
                            alone=point.scenario.replications.max == 1,
                            records=records if self._keeps_records and number == 0 else None,
                            bank=self._banks.get(place),
                        )
                    )
                    owners.append(place)
        for index, done in self._each(pieces, "replications"):
            assert done.result is not None  # a piece with a warm-up has a result
            place, result = owners[index], ReplicationResult.from_dict(done.result)
            # Last: whoever finds it need not run the replication again.
            self._store.keep(place, result)
            found[place][result.replication] = result

    def _each(self, pieces: Sequence[Piece], stage: str) -> Iterator[tuple[int, Done]]:
        """Do pieces here or elsewhere; the first one here, if nobody said, to see what it takes."""
        todo = list(enumerate(pieces))
        count = 0

        def told(index: int, done: Done) -> tuple[int, Done]:
            nonlocal count
            count += 1
            self._bars(stage, count, len(pieces))
            return index, done

        workers = self._workers
        if self._address is not None:
            # A cluster's nodes do not share our file system: what writes files is done here.
            todo.sort(key=lambda item: item[1].records is None)
        while todo and (
            not self._elsewhere(workers, len(todo))
            or (self._address is not None and todo[0][1].records is not None)
        ):
            index, piece = todo.pop(0)
            started_s = time.perf_counter()
            done = do(piece)
            self._took_s = time.perf_counter() - started_s
            self._here += 1
            yield told(index, done)
        if todo:
            most = workers or self._cores
            rest = [piece for _, piece in todo]
            spread_out = spread(do, rest, workers=most, address=self._address, on_node=self._note)
            for place, done in spread_out:
                yield told(todo[place][0], done)

    def _note(self, node: str) -> None:
        self.nodes[node] += 1

    def _elsewhere(self, workers: int | None, left: int) -> bool:
        if workers is not None:
            return workers > 1 and left > 1
        if self._cores == 1 and self._address is None:
            return False
        # The first piece says little: it also imports and builds what the others find.
        if self._took_s is None or self._here == 1:
            return False
        return self._took_s * left > _WORTH_S
