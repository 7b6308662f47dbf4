"""The sections of the scenario reference on load, and on what goes wrong."""

from collections.abc import Iterator
from typing import Final

from simulator.language.disturbances import ACTIONS, Action
from simulator.language.reference_text import Section

_LOAD: Final = """\
clock: real
cases: {source: synthetic, population: {prevalence: 15 %}}
stress:
"""


def _actions() -> str:
    rows = ["| action | what happens | targets | goes with |", "|---|---|---|---|"]
    for name, action in ACTIONS.items():
        targets = ", ".join(f"`{target}`" for target in action.targets)
        keys = ", ".join(f"`{key}`" for key in _goes_with(action))
        rows.append(f"| `{name}` | {action.about} | {targets} | {keys or '-'} |")
    return "\n".join(rows)


def _goes_with(action: Action) -> Iterator[str]:
    for key, needed in (("for", action.lasts), ("by", action.by), ("count", action.count)):
        if needed:
            yield key


STRESS_SECTIONS: Final = (
    Section(
        title="stress: a load on a twin that is up",
        text="`dermtwin stress` brings a twin up and sends it cases at the times that `profile` "
        "says, whether or not it keeps up (an open loop); latency counts from when a case was to "
        "be sent. It needs `clock: real`, and cases of source synthetic or images, without a "
        "bank. The clinic's own keys, from `arrivals` to `staff`, are set aside: any scenario "
        "can be put under load by one that `extends` it. `classes` say who is more urgent "
        "(`priority`); the model's own operating point answers.\n\n"
        "By a time, as many cases are sent as the whole part of the integral of the rate: nothing "
        "is drawn. `warmup` is part of the load.",
        tables={
            "StressSpec": "stress",
            "ProfileSpec": "stress.profile",
            "ConstantProfile": "constant",
            "RampProfile": "ramp",
            "SpikeProfile": "spike",
            "SoakProfile": "soak",
            "KneeProfile": "knee",
            "ObjectiveSpec": "stress.objective",
            "ShedSpec": "stress.shed",
        },
        example=_LOAD
        + """\
  profile: {spike: {base_per_s: 20, peak_per_s: 90, at: 30 s, last: 10 s, for: 90 s}}
  warmup: 10 s
  shed: {above: 5 s, keep: 50 %}
classes:
  - {id: urgent, share: 20 %, priority: 0}
  - {id: routine, share: 80 %, priority: 1}     # shed first
gates: [latency.p99_ms < 6000, verdicts.lost == 0]
""",
    ),
    Section(
        title="steady_state: what holds while nothing is wrong",
        text="With `stress` and `faults`: conditions on the "
        "[metrics of a stress run](#metrics-under-load), written as gates are. They are looked at "
        "before a fault, while it lasts, and afterwards; from its begin until they all hold again "
        "is its recovery time.",
        example=_LOAD
        + """\
  profile: {constant: {rate_per_s: 30, for: 60 s}}
steady_state: [latency.p99_ms < 2000, lag.cases < 100, verdicts.lost == 0]
faults:
  - {at: 20 s, kill: worker}
gates: [recovery_s.max < 30, verdicts.lost == 0, mirror.equal == 1]
""",
    ),
    Section(
        title="faults: what goes wrong",
        text="`component` takes a base learner out: it gives no scores to cases that arrive "
        "within the time, and verdicts go on with the stack of those that remain and name who is "
        "missing. It is the one fault that runs on both clocks have; the others are done to the "
        "processes of a twin, and need `stress`. Each fault has one action.",
        tables={"FaultSpec": "faults, each one"},
        example="""\
cases: {source: synthetic, bank: 2000, population: {prevalence: 15 %}}
horizon: 8 w
faults:
  - {at: 2 d, for: 1 d, component: svm}
""",
        after="The actions under load; of several workers, `worker` is the first and `worker-2` "
        "the second:\n\n" + _actions() + "\n\n"
        "```yaml\n"
        + _LOAD
        + """\
  profile: {constant: {rate_per_s: 30, for: 60 s}}
faults:
  - {at: 10 s, restart: kafka}
  - {at: 20 s, for: 5 s, freeze: mirror}
  - {at: 30 s, for: 5 s, slow: catboost, by: 200 ms}
  - {at: 40 s, send: duplicates, count: 10}
gates: [verdicts.lost == 0, verdicts.doubled == 0]
```""",
    ),
)
