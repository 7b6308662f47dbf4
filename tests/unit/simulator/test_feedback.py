"""Labels come back as the scenario says: for whom, when, and with which faults."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from clinics import facts
from loop_samples import looped, looped_bank, run
from scipy.stats import binom, kstest

from simulator.clinic.journal import Journal
from simulator.language.scenario import Scenario
from twin.events import CaseArrived, CaseClosed, FeedbackReceived, VerdictIssued
from twin.groups import GROUP_OF_TONE
from twin.labels import settle

DAY_MIN = 1440.0
BANK = looped_bank()
NEVER = 1e-6  # two-sided, of a test that fails though all is well


def with_labels(horizon: str = "4 d", **feedback: Any) -> Scenario:
    return looped(horizon=horizon, feedback={"delay": "12 h"} | feedback)


def messages(journal: Journal) -> list[FeedbackReceived]:
    return [event for event in journal.events if isinstance(event, FeedbackReceived)]


def by_case(journal: Journal) -> dict[str, list[FeedbackReceived]]:
    found = defaultdict(list)
    for message in messages(journal):
        found[message.case_id].append(message)
    return found


def truths(journal: Journal) -> dict[str, bool]:
    """The truth of each case; the case's number is its key."""
    return {f"r0-{key:06d}": bool(ill) for (_, key), ill in facts(journal, "malignant").items()}


def assert_share(part: int, whole: int, share: float) -> None:
    """Hold a count to the exact binomial bounds."""
    low, high = binom.ppf([NEVER / 2, 1 - NEVER / 2], whole, share)
    assert low <= part <= high, f"{part} of {whole} are not {share}"
    assert whole >= 50, "too few to tell anything"


@pytest.fixture(scope="module")
def long() -> Iterator[Journal]:
    scenario = with_labels(
        "40 d",
        delay={"exponential": {"mean": "12 h"}},
        verified={"biopsied": 0.8, "discharged": 0.1},
        follow_up={"share": 0.25, "after": "5 d"},
    )
    journal = run(scenario, BANK)
    yield journal
    journal.close()


def test_as_many_are_verified_as_the_scenario_says(long: Journal) -> None:
    ways = Counter()
    arrival, referred, way = (facts(long, name) for name in ("arrival_min", "referred", "way"))
    # Whoever comes in the last weeks may not have been told of when the run ends.
    early = [who for who, at_min in arrival.items() if at_min < 25 * DAY_MIN]
    for who in early:
        ways[bool(referred[who]), way[who]] += 1
    biopsied = sum(ways[True, any_] for any_ in ("biopsied", -1))
    others = sum(count for (was_referred, _), count in ways.items() if not was_referred)
    assert set(ways) == {
        *((True, name) for name in ("biopsied", -1)),
        *((False, name) for name in ("sampled", "followed_up", -1)),
    }
    assert_share(ways[True, "biopsied"], biopsied, 0.8)
    assert_share(ways[False, "sampled"], others, 0.1)
    assert_share(ways[False, "followed_up"], others, 0.9 * 0.25)


def test_each_message_tells_how_probable_it_was(long: Journal) -> None:
    told = {(one.way, one.p_verified) for one in messages(long)}
    assert told == {("biopsied", 0.8), ("sampled", 0.325), ("followed_up", 0.325)}


def test_labels_come_after_their_delay(long: Journal) -> None:
    closed, labelled, way = (facts(long, name) for name in ("closed_min", "labelled_min", "way"))
    arrival = facts(long, "arrival_min")
    early = [who for who, at_min in arrival.items() if at_min < 25 * DAY_MIN]
    for name, after_min in (("biopsied", 0.0), ("sampled", 0.0), ("followed_up", 5 * DAY_MIN)):
        delays = [labelled[who] - closed[who] - after_min for who in early if way[who] == name]
        assert len(delays) > 200
        assert kstest(delays, "expon", (0, DAY_MIN / 2)).pvalue > NEVER


def test_a_label_is_the_truth_where_nothing_goes_wrong(long: Journal) -> None:
    label, malignant = facts(long, "label"), facts(long, "malignant")
    known = [who for who, value in label.items() if value >= 0]
    assert len(known) > 1000
    assert all(label[who] == malignant[who] for who in known)


def test_malignant_lesions_are_found_out_more_often(long: Journal) -> None:
    label, malignant = facts(long, "label"), facts(long, "malignant")
    share = {
        ill: np.mean([label[who] >= 0 for who, truth in malignant.items() if truth == ill])
        for ill in (0, 1)
    }
    assert share[1] > share[0] + 0.2


def test_feedback_leaves_all_draws_of_patients_as_they_were(long: Journal) -> None:
    """Not even which image, how long the reader takes, and what the reader says."""
    bare = run(looped(horizon="40 d"), BANK)
    assert not bare.looped
    for name in ("arrival_min", "bank_entry", "p_malignant", "flagged", "referred", "closed_min"):
        assert facts(bare, name) == facts(long, name), name
    bare.close()


def test_a_patient_has_the_same_delay_whatever_the_reader_says() -> None:
    careful = looped(
        horizon="8 d",
        feedback={"delay": {"exponential": {"mean": "6 h"}}, "verified": {"discharged": 0.5}},
        decision={"reader": {"sensitivity": 1.0, "specificity": 0.1}},
    )
    careless = careful.model_copy(
        update={
            "decision": careful.decision.model_copy(
                update={
                    "reader": careful.decision.reader.model_copy(
                        update={"sensitivity": 0.3, "specificity": 0.9}
                    )
                }
            )
        }
    )
    one, other = run(careful, BANK), run(careless, BANK)
    labelled = facts(one, "labelled_min"), facts(other, "labelled_min")
    both = [who for who in labelled[0] if min(labelled[0][who], labelled[1][who]) >= 0]
    assert facts(one, "referred") != facts(other, "referred")
    assert len(both) > 300
    assert all(labelled[0][who] == labelled[1][who] for who in both)


def test_labels_are_wrong_as_often_as_the_scenario_says() -> None:
    journal = run(with_labels("20 d", label_noise=0.2), BANK)
    truth = truths(journal)
    wrong = sum((one.label == "malignant") != truth[one.case_id] for one in messages(journal))
    assert_share(wrong, len(messages(journal)), 0.2)


def test_a_poisoned_group_is_turned_round_and_no_other() -> None:
    poison = [{"share": 1.0, "group": "skin_tone=V-VI", "at": "1 d", "until": "3 d"}]
    journal = run(with_labels("5 d", poison=poison), BANK)
    truth = truths(journal)
    tones = {f"r0-{key:06d}": word for (_, key), word in facts(journal, "skin_tone").items()}
    counts: Counter[bool] = Counter()
    for one in messages(journal):
        wrong = (one.label == "malignant") != truth[one.case_id]
        poisoned = GROUP_OF_TONE[tones[one.case_id]] == "V-VI" and one.at_min >= DAY_MIN
        poisoned = poisoned and one.at_min < 3 * DAY_MIN
        assert wrong == poisoned, one
        counts[poisoned] += 1
    assert min(counts.values()) > 20


@pytest.mark.parametrize(
    "group", ["sex=female", "age_band=40-59", "site=face", "class=patient"], ids=str
)
def test_every_kind_of_group_can_be_poisoned(group: str) -> None:
    journal = run(with_labels(poison=[{"share": 0.5, "group": group}]), BANK)
    key, _, value = group.partition("=")
    truth, column = truths(journal), "age" if key == "age_band" else key
    group_of = {f"r0-{number:06d}": word for (_, number), word in facts(journal, column).items()}
    if key == "age_band":
        group_of = {one: "40-59" if 40 <= age < 60 else "" for one, age in group_of.items()}
    found = Counter(
        (group_of[one.case_id] == value, (one.label == "malignant") != truth[one.case_id])
        for one in messages(journal)
    )
    assert found[False, True] == 0
    assert_share(found[True, True], found[True, True] + found[True, False], 0.5)


def test_wrong_labels_are_put_right_a_delay_later() -> None:
    journal = run(with_labels(label_noise=1.0, corrected=1.0), BANK)
    truth, cases = truths(journal), by_case(journal)
    whole = [story for story in cases.values() if len(story) == 2]
    assert len(whole) > 100
    for first, second in whole:
        assert (first.revision, second.revision) == (0, 1)
        assert (first.label == "malignant") != truth[first.case_id]
        assert (second.label == "malignant") == truth[first.case_id]
        assert second.at_min == pytest.approx(first.at_min + 720)
    label, malignant = facts(journal, "label"), facts(journal, "malignant")
    told = {f"r0-{key:06d}": value == malignant[_, key] for (_, key), value in label.items()}
    assert all(told[case_id] == (len(story) == 2) for case_id, story in cases.items())


def test_right_labels_are_not_corrected() -> None:
    assert {one.revision for one in messages(run(with_labels(corrected=1.0), BANK))} == {0}


def test_labels_are_taken_back_a_delay_later() -> None:
    journal = run(with_labels(label_noise=1.0, corrected=1.0, withdrawn=1.0), BANK)
    whole = [story for story in by_case(journal).values() if len(story) == 3]
    assert whole
    for story in whole:
        assert [one.revision for one in story] == [0, 1, 2]
        assert story[2].label == "withdrawn"
        assert [one.feedback_id for one in story] == [f"{story[0].case_id}.{n}" for n in (1, 2, 3)]
    label = facts(journal, "label")
    assert all(label["patient", int(story[0].case_id[3:])] == -1 for story in whole)


def test_duplicates_have_another_id_and_say_the_same() -> None:
    journal = run(with_labels(duplicates=0.5), BANK)
    stories = by_case(journal).values()
    assert_share(sum(len(story) == 2 for story in stories), len(stories), 0.5)
    for story in stories:
        assert {(one.label, one.revision, one.at_min) for one in story} == {
            (story[0].label, 0, story[0].at_min)
        }
    ids = [one.feedback_id for one in messages(journal)]
    assert len(ids) == len(set(ids))


def test_unknown_cases_are_not_among_the_cases() -> None:
    journal = run(with_labels(unknown=0.5), BANK)
    known = {event.case_id for event in journal.events if isinstance(event, CaseArrived)}
    stray = [one for one in messages(journal) if one.case_id not in known]
    assert all(one.feedback_id == f"{one.case_id}.1" for one in stray)
    assert_share(len(stray), len(messages(journal)) - len(stray), 0.5)


def test_who_leaves_early_gives_no_label() -> None:
    """And no other patient's label changes for that."""
    node = {"id": "read", "staff": "reader", "service": "9 min", "then": "end"}
    node["queue"] = {"patience": "5 min"}
    pathway = [{"id": "ai", "twin": "score", "then": "read"}, node]
    journal = run(
        looped(
            pathway=pathway, feedback={"delay": "1 h", "verified": {"discharged": 1}, "unknown": 0}
        ),
        BANK,
    )
    early = {e.case_id for e in journal.events if isinstance(e, CaseClosed) and e.left_early}
    assert len(early) > 50
    told = {one.case_id for one in messages(journal)}
    assert told
    assert not told & early


def test_what_was_not_delivered_when_the_run_ends_never_was() -> None:
    assert messages(run(with_labels(delay="30 d"), BANK)) == []
    scenario = with_labels("2 d", verified={"discharged": 1.0})
    stopped = run(scenario.model_copy(update={"ending": "stop"}), BANK)
    assert 0 < max(one.at_min for one in messages(stopped)) <= 2 * DAY_MIN


def test_the_tables_say_what_the_twin_makes_of_the_messages() -> None:
    scenario = with_labels(
        "6 d",
        delay={"exponential": {"mean": "12 h"}},
        verified={"discharged": 0.3},
        label_noise=0.3,
        corrected=0.5,
        withdrawn=0.2,
        duplicates=0.3,
        unknown=0.2,
        poison=[{"share": 0.3}],
    )
    journal = run(scenario, BANK)
    arrived = {one.case_id: one for one in journal.events if isinstance(one, CaseArrived)}
    label, at_min, way = (facts(journal, name) for name in ("label", "labelled_min", "way"))
    told = by_case(journal)
    for case_id, case in arrived.items():
        answer = VerdictIssued(
            case_id=case_id,
            at_min=case.at_min,
            p_malignant=0.5,
            threshold=0.5,
            malignant=True,
            log_odds={},
            model_id="m",
        )
        counts = settle(case, answer, told[case_id]).counts
        who = ("patient", int(case_id[3:]))
        if counts is None:
            assert (label[who], at_min[who], way[who]) == (-1, -1, -1)
        else:
            assert (label[who] == 1) == (counts.label == "malignant")
            assert (at_min[who], way[who]) == (counts.at_min, counts.way)
    assert min(Counter(label.values()).values()) > 50, "all of it occurs"
