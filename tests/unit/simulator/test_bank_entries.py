"""Who is in a bank: whole lesions, the same ones, and a small bank begins the large one."""

import pickle
from collections import Counter

import pytest
from bank_samples import bank, banked, of_images, people

from simulator.cases.bank_entries import canonical, entries_of, reference_of
from simulator.cases.datasets import LabelledImage
from twin.errors import ScenarioError
from twin.images import BlobRef


def images(lesions: int) -> list[LabelledImage]:
    """One to three images of each lesion."""
    return [
        LabelledImage(
            path=f"{lesion:03d}-{number}.jpg",
            sha256=f"{lesion:062d}{number:02d}",
            malignant=lesion % 3 == 0,
            split="test",
            group=f"lesion-{lesion:03d}",
        )
        for lesion in range(lesions)
        for number in range(1 + lesion % 3)
    ]


def test_a_bank_of_rendered_lesions_begins_like_a_smaller_one() -> None:
    large = entries_of(banked({"bank": 90}))
    assert entries_of(banked({"bank": 40})) == large[:40]
    assert entries_of(banked({"bank": 40}, seed=6)) != large[:40]


def test_truths_and_skin_tones_come_in_turns() -> None:
    entries = entries_of(banked({"bank": 240}))
    assert sum(one.malignant for one in entries) == 120
    for truth in (True, False):
        tones = Counter(one.skin_tone for one in entries if one.malignant == truth)
        assert set(tones) == {"I", "II", "III", "IV", "V", "VI"}
        assert tones["I"] + tones["II"] == tones["V"] + tones["VI"] == 40
    quarter = entries_of(banked({"bank": {"size": 80, "malignant": 0.25}}))
    assert sum(one.malignant for one in quarter) == 20


def test_only_skin_tones_that_somebody_has_are_in_the_bank() -> None:
    population = {"prevalence": 0.2, "skin_tone": {"I-II": 1.0}}
    fair = entries_of(banked({"population": population}))
    assert {one.skin_tone for one in fair} == {"I", "II"}
    later = [{"at": "1 d", "population": {"skin_tone": {"V-VI": 1.0}}}]
    both = entries_of(banked({"population": population}, shifts=later))
    assert {one.skin_tone for one in both} == {"I", "II", "V", "VI"}


def test_images_come_as_whole_lesions_until_the_size_is_reached() -> None:
    every = images(30)
    small, large = (entries_of(of_images(bank=size), every) for size in (20, 40))
    assert large[: len(small)] == small
    assert 20 <= len(small) <= 22  # the last lesion may have three
    of = Counter(image.group for image in every)
    assert all(count == of[lesion] for lesion, count in Counter(e.lesion for e in small).items())
    assert len(entries_of(of_images(), every)) == len(every)


def test_more_images_than_there_are_is_an_error_that_says_so() -> None:
    with pytest.raises(ScenarioError, match=r"cases.bank.size: asks for 99 images; there are 60"):
        entries_of(of_images(bank=99), images(30))


def test_an_image_is_taken_the_same_way_by_every_scenario() -> None:
    image = BlobRef(sha256="a" * 64)
    assert reference_of(image, ()) is image
    blurred = reference_of(image, (("defocus", 3),))
    assert blurred == reference_of(image, (("defocus", 3),))
    assert blurred.acquisition is not None
    assert blurred.acquisition.severity == {"defocus": 3}
    worse = reference_of(image, (("defocus", 5),))
    assert worse.acquisition is not None
    assert worse.acquisition.seed == blurred.acquisition.seed, "what is random about it stays"
    other = reference_of(BlobRef(sha256="b" * 64), (("defocus", 3),))
    assert other.acquisition is not None
    assert other.acquisition.seed != blurred.acquisition.seed
    assert len({canonical(one) for one in (image, blurred, worse)}) == 3


def test_five_thousand_entries_are_sent_in_less_than_a_megabyte() -> None:
    assert len(pickle.dumps(bank(people(5000)))) < 2**20
