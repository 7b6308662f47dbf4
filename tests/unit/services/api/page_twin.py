"""A twin that never was: deterministic answers in the API's shapes, for tests of the page.

Every 8 records a case has arrived, was answered, left, and every third one's label came back.
"""

import math
from typing import Any, Final

EPOCH_UNIX_S: Final = 1_760_000_000.0
RECORDS_PER_CASE: Final = 8
BEGUN: Final = 1000  # records that were folded before anybody looked
WEIGHTS: Final = {
    "catboost": 0.42,
    "xgboost": 0.31,
    "svm": 0.55,
    "random_forest": 0.12,
    "gradient_boosting": 0.0,
    "knn": 0.2,
}
COMPONENTS: Final = ("worker", "stem", *WEIGHTS, "meta", "mirror", "api", "restacker", "explainer")
METHODS: Final = ("grad-cam", "occlusion")

Told = dict[str, Any]


def wave(number: int, pace: float = 1.0) -> float:
    """Return a share between 0 and 1 that looks random and never changes."""
    return math.modf(abs(math.sin(number * pace + 1.0)) * 9301.0)[0]


def folded_unix_s(revision: int) -> float:
    return EPOCH_UNIX_S + revision * 0.25


def case_of(number: int, revision: int) -> Told:
    """Return a case as of a revision."""
    done = revision - number * RECORDS_PER_CASE
    stage = "closed" if done >= 6 else "answered" if done >= 3 else "arrived"
    p = round(0.02 + 0.96 * wave(number) ** 2, 4)
    rejected = number % 17 == 16
    answered = stage != "arrived"
    label = ("malignant" if p > 0.45 else "benign") if number % 3 == 0 and done >= 8 else None
    return {
        "case_id": f"c{number:05d}",
        "revision": min(done, 4),
        "stage": stage,
        "arrived_min": number * 9.5,
        "p_malignant": p if answered and not rejected else None,
        "malignant": p >= 0.4 if answered and not rejected else None,
        "stack": number // 40 if answered else None,
        "label": label,
        "rejected": "the image cannot be decoded" if rejected and answered else None,
        "referred": p >= 0.3 if stage == "closed" else None,
        "wait_min": 4.5 + 31.0 * wave(number, 2.0) if stage == "closed" else None,
        "missing": ["knn"] if number % 11 == 10 else [],
        "image": f"recipe:{number}",
    }


def cases(revision: int) -> list[Told]:
    """Return all cases, newest first."""
    return [
        case_of(number, revision)
        for number in range((revision - 1) // RECORDS_PER_CASE, -1, -1)
        if revision - number * RECORDS_PER_CASE >= 1
    ]


def case_in_full(number: int, revision: int) -> Told:
    one = case_of(number, revision)
    steps = [("CaseArrived", 1)]
    if one["stage"] != "arrived":
        steps.append(("VerdictIssued", 3))
    if one["stage"] == "closed":
        steps.append(("CaseClosed", 6))
    first = number * RECORDS_PER_CASE
    log_odds = {name: round(4 * wave(number, 0.3 + i) - 2, 3) for i, name in enumerate(WEIGHTS)}
    verdict = {
        "p_malignant": one["p_malignant"],
        "threshold": 0.4,
        "malignant": one["malignant"],
        "stack": one["stack"],
        "model_id": "m-fake",
        "learners": [
            {
                "name": name,
                "log_odds": log_odds[name],
                "weight": weight,
                "contribution": round(weight * log_odds[name], 4),
            }
            for name, weight in WEIGHTS.items()
        ],
        "intercept": -0.4,
        "missing": one["missing"],
    }
    labels = [
        {
            "feedback_id": f"f{number}",
            "label": one["label"],
            "way": "biopsied",
            "at_min": one["arrived_min"] + 400,
            "revision": 0,
            "counts": True,
            "why": "",
        }
    ]
    return {
        **one,
        "journey": [
            {
                "at_min": one["arrived_min"] + 2.0 * at,
                "sent_unix_ms": int(1000 * folded_unix_s(first + at)),
                "revision": first + at,
                "what": what,
                "event": {},
            }
            for what, at in steps
        ],
        "verdict": verdict if one["p_malignant"] is not None else None,
        "labels": labels if one["label"] else [],
        "age": 30 + number % 50,
        "sex": "female" if number % 2 else "male",
        "site": "anterior torso",
        "skin_tone": "II",
        "waits_min": {"nurse": 4.5, "reader": one["wait_min"] - 4.5} if one["wait_min"] else {},
        "as_of_revision": revision,
    }


def components(revision: int) -> list[Told]:
    """Return the components; one is degraded and one is down, each with its reason."""
    found = []
    for i, name in enumerate(COMPONENTS):
        health, why, state = "well", "", "ready"
        if name == "knn":
            health, why = "degraded", "p95 latency is 3 times what it was"
        if name == "explainer":
            health, why, state = "down", "its process ended", "failed"
        images = revision // RECORDS_PER_CASE
        found.append(
            {
                "name": name,
                "state": state,
                "health": health,
                "health_reason": why,
                "model_id": "m-fake",
                "restarts": 2 if name == "knn" else 0,
                "reason": "",
                "at_unix_s": folded_unix_s(revision),
                "age_s": 0.8,
                "images": images,
                "batches": images // 4,
                "errors": 3 if name == "knn" else 0,
                "busy_s": 12.5,
                "images_per_s": round(3 + wave(i), 2),
                "error_rate": 0.02 if name == "knn" else 0.0,
                "latency_ms": {"p50": 8.0 + i, "p95": 21.0 + 3 * i, "p99": 40.0 + 5 * i},
                "last_input": f"c{images:05d}",
                "last_output": "0.41" if name in WEIGHTS else "",
                "facts": {"images": images},
            }
        )
    return found


def stacks(revision: int) -> Told:
    versions = [
        {
            "version": version,
            "parent": version - 1 if version else None,
            "how": "restack" if version else "trained",
            "since_min": version * 380.0,
            "epoch": version,
            "threshold": 0.4 - 0.01 * version,
            "weights": {
                name: round(weight * (1 + 0.3 * wave(version + i)), 3)
                for i, (name, weight) in enumerate(WEIGHTS.items())
            },
            "intercept": -0.4,
            "labels": 120 * version,
            "malignant": 25 * version,
            "reason": "all gates passed" if version else "came with the model",
            "in_force": version == revision // 400,
        }
        for version in range(revision // 400 + 1)
    ]
    decisions = [
        {
            "epoch": 1,
            "at_min": 380.0,
            "verdict": "promoted",
            "version": 1,
            "how": "restack",
            "labels": 120,
            "reason": "all gates passed",
        }
    ]
    return {"versions": versions, "decisions": decisions, "orders": [], "note": None}


def drift() -> Told:
    reports = [
        {
            "epoch": epoch,
            "at_min": epoch * 180.0,
            "cases": 19,
            "signals": [
                {
                    "detector": "adwin",
                    "stream": "score.svm",
                    "alarms": [epoch * 180.0 - 20] if epoch > 4 else [],
                    "value": 0.1 * epoch,
                    "p_value": None,
                },
                {
                    "detector": "ks",
                    "stream": "input.0",
                    "alarms": [],
                    "value": 0.05 * epoch,
                    "p_value": 0.2,
                },
            ],
            "estimates": [
                {
                    "metric": "sensitivity",
                    "value": 0.9 - 0.02 * epoch,
                    "low": 0.8 - 0.02 * epoch,
                    "high": 0.97 - 0.02 * epoch,
                    "valid": True,
                    "reason": "assumes calibrated scores",
                }
            ],
        }
        for epoch in range(1, 7)
    ]
    shift = {"at_min": 700.0, "what": "new dermatoscope", "run": "attached"}
    return {"reports": reports, "known_shifts": [shift]}


def performance(revision: int) -> Told:
    known = [one for one in cases(revision) if one["label"] and one["malignant"] is not None]
    count = {"tp": 0, "fp": 0, "tn": 0, "fn": 0}
    for one in known:
        right = one["malignant"] == (one["label"] == "malignant")
        count[("t" if right else "f") + ("p" if one["malignant"] else "n")] += 1

    def share(good: int, bad: int) -> Told | None:
        if not good + bad:
            return None
        value = good / (good + bad)
        return {"value": value, "low": max(0.0, value - 0.12), "high": min(1.0, value + 0.08)}

    return {
        "labelled": len(known),
        "confusion": count,
        "sensitivity": share(count["tp"], count["fn"]),
        "specificity": share(count["tn"], count["fp"]),
        "note": "of cases whose truth came back",
    }


def series(revision: int, bin_min: float) -> Told:
    bins: dict[int, list[Told]] = {}
    for one in cases(revision):
        bins.setdefault(int(one["arrived_min"] // bin_min), []).append(one)
    return {
        "bin_min": bin_min,
        "bins": [
            {
                "from_min": number * bin_min,
                "arrivals": len(those),
                "verdicts": sum(one["p_malignant"] is not None for one in those),
                "flagged": sum(bool(one["malignant"]) for one in those),
                "rejected": sum(one["rejected"] is not None for one in those),
                "closed": sum(one["stage"] == "closed" for one in those),
                "referred": sum(bool(one["referred"]) for one in those),
                "labels": sum(one["label"] is not None for one in those),
                "wait_min": {
                    "nurse": {"mean": 4.5, "p95": 9.0},
                    "reader": {"mean": 10 + 10 * wave(number), "p95": 30.0},
                },
            }
            for number, those in sorted(bins.items())
        ],
    }
