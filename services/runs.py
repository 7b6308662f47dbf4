"""One order of a user: a scenario, or several to compare, run to the end and summed up."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.config import Settings
from services.console import Bars, say
from services.experiments.again import begun_before
from services.experiments.clinic_only import ensure_clinic
from services.experiments.plan import Point, points_of, points_of_files
from services.experiments.store import SUMMARY, Store
from services.experiments.told import Told
from services.image_directory import ImageDirectory
from simulator.clinic.journal import Latency
from simulator.language.scenario import load, resolved
from twin.errors import SettingsError

if TYPE_CHECKING:  # what runs without a bank do not import
    from services.banks import Built


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOrder:
    """What a user asked for."""

    text: str  # of the scenario file
    source: str  # its name, for messages
    route: str = "kafka"  # or ray, or inprocess; of no meaning to nominal cases and banks
    batch: int = 64  # most cases scored together
    model: str | None = None  # id or directory; None: as the scenario says
    out: Path | None = None  # run folder; None: a new one below home
    overrides: tuple[str, ...] = ()  # key=value
    workers: int | None = None  # replications at once; None: as many as are worth it
    skip_bad: bool = False  # leave out rows of the image directory that cannot be used
    attach: bool = False  # to the twin that is up; `route` and `batch` then have no meaning
    speed: str | None = None  # of an attached run: simulated minutes per wall minute, or max


def run_scenario(order: RunOrder, settings: Settings, bars: Bars) -> dict[str, Any]:
    """Run a scenario, with its sweep and replications, and keep its files; return the summary."""
    scenario = load(order.text, order.source, order.overrides)
    ensure_clinic(scenario, order.source)
    kept = {"kind": "run", **_kept(order)}
    if order.attach:
        from services.attach.running import ROUTE, prepare

        how = (order.overrides, order.speed, order.model, settings)
        scenario, attach = prepare(scenario, order.source, *how)
        kept |= {"route": ROUTE, "batch": None} | attach.kept()
    points = points_of(scenario, order.source)
    return _begin_or_go_on(points, kept, order, (scenario.name, resolved(scenario)), settings, bars)


def compare_scenarios(
    texts: Sequence[tuple[str, str]], order: RunOrder, settings: Settings, bars: Bars
) -> dict[str, Any]:
    """Run several scenarios on common random numbers; return the summary with differences."""
    points = points_of_files(texts, order.overrides)
    if any(point.scenario.sweep for point in points):
        raise SettingsError("compare", texts[0][1], "has a sweep; compare takes single scenarios")
    seeds = {point.scenario.seed for point in points}
    if len(seeds) > 1:
        shown = ", ".join(map(str, sorted(seeds)))
        reason = "the scenarios have different seeds; pairs need one: add --set seed=1"
        raise SettingsError("seed", shown, reason)
    names = "-vs-".join(point.scenario.name for point in points)[:60]
    kept = {"kind": "compare", **_kept(order)}
    base = (names, resolved(points[0].scenario))
    return _begin_or_go_on(points, kept, order, base, settings, bars)


def _begin_or_go_on(
    points: Sequence[Point],
    kept: dict[str, Any],
    order: RunOrder,
    base: tuple[str, str],
    settings: Settings,
    bars: Bars,
) -> dict[str, Any]:
    """Run an order, or what is left of it where the same was begun in its folder.

    Parameters:
        base: the experiment's name, and the scenario as resolved.

    Raises:
        SettingsError: the folder holds something else; it says what differs.
    """
    store = begun_before(order.out, points, kept)
    if store is None:
        store = Store.create(order.out, settings.home, base[0])
        store.begin(points, kept, base[1])
    elif store.finished:
        say(f"{store.folder} was finished before: this is its summary, nothing is run")
        summary: dict[str, Any] = json.loads((store.folder / SUMMARY).read_text(encoding="utf-8"))
        return summary
    else:
        done = sum(len(store.kept(place)) for place in range(len(points)))
        say(f"{store.folder} was begun before: its {done} replication(s) are kept, the rest is run")
    return _carry_out(points, kept, store, settings, bars)


def resume(folder: Path, workers: int | None, settings: Settings, bars: Bars) -> dict[str, Any]:
    """Carry on an experiment that was interrupted; return the summary, as if it had not been."""
    store = Store.open(folder)
    points, kept = store.plan()
    if workers is not None:
        kept["workers"] = workers
    if kept["kind"] == "detectors":
        from services.detectors import carry_on

        return carry_on(points, kept, store, settings, bars)
    return _carry_out(points, kept, store, settings, bars)


def _kept(order: RunOrder) -> dict[str, Any]:
    named = asdict(order)
    return {
        name: named[name] for name in ("source", "route", "batch", "model", "workers", "skip_bad")
    }


def _carry_out(
    points: Sequence[Point], kept: dict[str, Any], store: Store, settings: Settings, bars: Bars
) -> dict[str, Any]:
    bars.keep_in(store.folder)
    with store.alone():
        try:
            return _run(points, kept, store, settings, bars)
        except KeyboardInterrupt:
            say(f"interrupted: dermtwin resume {store.folder} carries on")
            raise


def _run(
    points: Sequence[Point], kept: dict[str, Any], store: Store, settings: Settings, bars: Bars
) -> dict[str, Any]:
    started_s = began_s = time.perf_counter()
    with_twin = points[0].scenario.asks_twin
    if any(point.scenario.asks_twin != with_twin for point in points):
        names = ", ".join(str(dict(point.label)) for point in points)
        reason = "some ask the twin during the run and others do not: give all images a bank"
        raise SettingsError("points", names, reason)
    built: list[Built | None] = []
    # An experiment that an earlier version began knows nothing of rows to skip.
    images = ImageDirectory(settings.data, skip_bad=kept.get("skip_bad", False))
    if kept.get("attach"):
        from services.attach.running import AttachOrder, run_attached

        attach = AttachOrder.of(kept)
        results, warm, told = run_attached(points, attach, images, store, settings, bars)
    elif with_twin:
        # Each kind imports what it needs: Ray, Kafka and the report take a second each.
        from services.bootstrap import RouteKind
        from services.experiments.twin_in_loop import TwinOrder, run_with_twin

        order = TwinOrder(
            route=RouteKind(kept["route"]),
            batch=kept["batch"],
            model=kept["model"],
            images=images,
        )
        results, warm, told = run_with_twin(points, order, store, settings, bars)
    else:
        from actors.tasks import cores
        from services.experiments.nominal import Runner

        told = Told()
        built = _banks(points, kept["model"], store, settings, bars, told, images)
        began_s = time.perf_counter()  # a model that learns and a bank are no part of the pace
        banks = {place: one.bank for place, one in enumerate(built) if one is not None}
        runner = Runner(store, kept["workers"], cores(), settings.ray, bars, banks)
        results, warm = runner.run(points)
        if settings.ray is not None:
            told.nodes |= runner.nodes
    told.degraded += images.complaints()
    wall_s, ran_s = (time.perf_counter() - since_s for since_s in (started_s, began_s))
    from services.experiments.reports import write_reports
    from services.experiments.summary import summarise

    summary = summarise(points, results, warm)
    if any(built):
        from services.bank_groups import hold_back

        for told_point, one in zip(summary["points"], built, strict=True):
            if one is not None:
                hold_back(told_point["metrics"], one.facts["lesions_by_group"])
    rate = told.pace.cases_per_s() if with_twin else round(summary["cases"] / ran_s, 2)
    summary |= {
        "kind": kept["kind"],
        "route": kept["route"] if with_twin else None,
        "batch": kept["batch"] if with_twin else None,
        "run_dir": str(store.folder),
        "model_id": told.model_id or None,
        "cases_per_s": rate,
        "first_verdict_s": told.pace.cold_start_s,
        "latency_ms": _latencies(told.latencies),
        "mirror": told.mirrors[0] if len(told.mirrors) == 1 else _all_equal(told.mirrors),
        "bank": _bank_facts(points, built),
        **({"attached": told.attached} if kept.get("attach") else {}),
        **({"nodes": told.nodes} if told.nodes else {}),
        "restarts": told.restarts,
        "degraded": told.degraded,
        "wall_s": round(wall_s, 2),
    }
    if any(point.scenario.outages for point in points):
        from services.experiments.mask_costs import tell_mask_costs

        tell_mask_costs(summary, points, kept["model"], settings)
    text = json.dumps(summary, indent=2, allow_nan=False) + "\n"
    told_back: dict[str, Any] = json.loads(text)  # plain data, as whoever reads the file sees it
    write_reports(store, points, results, told_back)
    store.write(SUMMARY, text)  # last: where it is, nothing is left to do
    return told_back


def _banks(
    points: Sequence[Point],
    model: str | None,
    store: Store,
    settings: Settings,
    bars: Bars,
    told: Told,
    images: ImageDirectory,
) -> "list[Built | None]":
    """Return the bank of each point, scored and kept in the run's folder; None without one."""
    if all(point.scenario.bank is None for point in points):
        return [None] * len(points)
    # NumPy's file formats, SQLite and the twin's sources: nominal runs need none of them.
    from services.bank_facts import tell
    from services.bank_records import keep_bank
    from services.banks import Banks
    from services.learning import model_for

    say("the bank is scored first, in this process: --route and --batch have no meaning")
    banks = Banks(settings, lambda one: model_for(one, model, settings, bars, images), bars, images)
    found: list[Built | None] = []
    seen: set[int] = set()
    for place, point in enumerate(points):
        if point.scenario.bank is None:
            found.append(None)
            continue
        one = banks.of(point)
        found.append(one)
        told.model_id = told.model_id or one.bank.model_id
        told.degraded += [words for words in one.complaints if words not in told.degraded]
        name = f"points/{place:03d}-bank.csv" if len(points) > 1 else "bank.csv"
        keep_bank(store, name, one.bank, one.entries, one.mixture)
        if id(one.bank.scores) not in seen:  # of one bank, with what answers a case or without
            seen.add(id(one.bank.scores))
            tell(one.facts)
    return found


def _bank_facts(points: Sequence[Point], built: "Sequence[Built | None]") -> dict[str, Any] | None:
    """Return what the summary says of the first point's bank, and of others that differ."""
    told = [(point, dict(one.facts)) for point, one in zip(points, built, strict=False) if one]
    if not told:
        return None
    _, first = told[0]
    others = [{"label": dict(point.label), **facts} for point, facts in told[1:] if facts != first]
    return first | {"others": others}


def _all_equal(mirrors: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    if not mirrors:
        return None
    return {
        "equal": all(mirror["equal"] for mirror in mirrors),
        "records": sum(mirror["records"] for mirror in mirrors),
    }


def _latencies(latencies: Sequence[Latency]) -> dict[str, float] | None:
    """Return percentiles of the twin's answer times; only a real clock has any."""
    if not latencies:
        return None
    taken = sorted(latency.latency_ms for latency in latencies)
    return {
        f"p{share}": round(taken[min(len(taken) - 1, len(taken) * share // 100)], 1)
        for share in (50, 95, 99)
    }
