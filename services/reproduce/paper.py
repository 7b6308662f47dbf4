"""What the paper reports, to stand beside what is measured here.

Sampath, Gopika, Vimal, Kang, Seo (2025), "An explainable digital twin framework for skin cancer
analysis using early activation meta-learner", Frontiers in Computer Science 7:1646311. Its Table 2
compares more methods; only the rows that we could read for ourselves are given here.
"""

from collections.abc import Mapping
from typing import Final

CITATION: Final = (
    "Sampath, Gopika, Vimal, Kang, Seo (2025), An explainable digital twin framework for skin "
    "cancer analysis using early activation meta-learner, Front. Comput. Sci. 7:1646311"
)
OURS: Final = "Stem features, six learners and L1 meta-learner, as published"
MOBILENET: Final = "MobileNetV2 used directly, as published"

# Shares of the paper's test split; what it does not state is None. It states no intervals.
TABLE_2: Final[Mapping[str, Mapping[str, float | None]]] = {
    MOBILENET: {
        "accuracy": 0.90,
        "precision": None,
        "sensitivity": None,
        "specificity": None,
        "f1": None,
    },
    OURS: {
        "accuracy": 0.9625,
        "precision": 0.9604,
        "sensitivity": 0.9535,
        "specificity": 0.9694,
        "f1": 0.9569,
    },
}
