"""The sections of the scenario reference on what comes back to the twin, and what watches."""

from typing import Final

from simulator.language.reference_text import Section

_CLINIC: Final = """\
cases: {source: synthetic, bank: 2000, population: {prevalence: 15 %}}
horizon: 8 w
"""

LOOP_SECTIONS: Final = (
    Section(
        title="feedback: how labels come back",
        text="What a lesion was comes back `delay` after the patient has left, and only where the "
        "pathway finds it out: of those who are referred (`biopsied`), of a sample of the others "
        "that is checked at once (`discharged`), and of those who are seen again (`follow_up`). "
        "So malignant lesions are found out more often than benign ones: verification bias. Who "
        "leaves early gives no label, and a label that has not come when the run ends never does. "
        "Labels may be wrong (`label_noise`), be put right or taken back, come twice, or name a "
        "case that the twin does not know; `poison` turns labels round as an attack or a fault "
        "would. It needs cases with images, and somebody who decides.",
        tables={
            "FeedbackSpec": "feedback",
            "VerifiedSpec": "feedback.verified",
            "FollowUpSpec": "feedback.follow_up",
            "PoisonSpec": "feedback.poison, each one",
        },
        example=_CLINIC
        + """\
feedback:
  delay: {lognormal: {mean: 3 d, sd: 1 d}}
  verified: {biopsied: 100 %, discharged: 5 %}
  follow_up: {share: 20 %, after: 3 w}
  label_noise: 1 %
  corrected: 50 %                      # of the wrong ones, a delay later
  poison:
    - {share: 30 %, group: skin_tone=V-VI, at: 2 w, until: 4 w}
""",
    ),
    Section(
        title="restack: when the stack is fitted again",
        text="At every epoch the meta-learner is fitted again to the training images' scores and "
        "the labels of the `window`. The new stack is held against the one in force on labels "
        "that neither has seen; it is promoted, refused, or waits for more labels. Cases that "
        "arrive from the epoch on are answered by the stack in force then. It needs `feedback` "
        "and a `horizon`.",
        tables={
            "RestackSpec": "restack",
            "GateSpec": "restack.gate",
            "RollbackSpec": "restack.orders, each one",
        },
        example=_CLINIC
        + """\
feedback: {delay: {lognormal: {mean: 3 d, sd: 1 d}}}
restack:
  every: 1 w
  window: 4 w
  weighting: known                     # or estimated, or none: at your risk
  gate: {auc_drop_max: 0.01, sensitivity_drop_max: 0.02, per: [sex, skin_tone]}
  orders:
    - {at: 5 w, to: 0}                 # somebody wants the first stack back
""",
    ),
    Section(
        title="drift: what watches",
        text="River's detectors watch the inputs, each learner's scores, their disagreement and, "
        "where labels exist, the loss; at each epoch a multivariate test and an estimate of the "
        "performance without labels are added. It needs no `feedback`, but a `horizon`.",
        tables={"DriftSpec": "drift"},
        example=_CLINIC
        + """\
drift: {every: 1 d, detectors: [adwin, page_hinkley], window_cases: 300}
shifts:
  - {id: new-dermatoscope, at: 3 w, image: {colour_cast: 3}}
""",
    ),
)
