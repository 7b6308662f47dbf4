"""A scenario's words become the twin's plans."""

from loop_samples import looped
from scenarios_by_feature import FEATURES

from simulator.language.loop_plans import drift_plan, outages, restack_plan
from simulator.language.scenario import load
from twin.drift.plan import DriftPlan
from twin.restacking.plan import GatePlan, RestackPlan, RollbackOrder
from twin.stacks import Outage

LOOP = load(FEATURES["loop"], "x.yaml")
DAY_MIN = 1440.0


def test_all_that_is_said_of_restacking_reaches_the_twin() -> None:
    assert restack_plan(LOOP) == RestackPlan(
        every_min=7 * DAY_MIN,
        window_min=28 * DAY_MIN,
        weighting="estimated",
        remedies=("recalibrate", "restack"),
        gate=GatePlan(auc_drop_max=0.02, label_noise_max=0.1, per=("site",), confidence=0.9),
        rollback=False,
        orders=(RollbackOrder(at_min=36 * DAY_MIN, version=0),),
    )
    off = restack_plan(load(FEATURES["loop without a gate"], "x.yaml"))
    assert off is not None
    assert off.gate is None


def test_defaults_are_the_twin_s_own() -> None:
    """Said once in each layer; here they are held together."""
    plain = looped(feedback={"delay": "1 d"}, restack={}, drift={}, horizon="30 d")
    assert restack_plan(plain) == RestackPlan(every_min=DAY_MIN)
    assert drift_plan(plain) == DriftPlan()


def test_what_watches_and_who_is_out_reach_the_twin() -> None:
    assert drift_plan(LOOP) == DriftPlan(detectors=("kswin",), window_cases=100)
    assert outages(LOOP) == (Outage(component="xgboost", from_min=2 * DAY_MIN, to_min=3 * DAY_MIN),)


def test_what_is_not_said_is_none() -> None:
    assert (restack_plan(looped()), drift_plan(looped()), outages(looped())) == (None, None, ())
