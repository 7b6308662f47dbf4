"""Steps of a long job are kept, found again, and never mistaken for others."""

import numpy as np
import pytest

from services.steps import Result, Steps


def found(value=1):
    return Result(facts={"value": value, "name": "é"}, arrays={"z": np.arange(3.0) * value})


def never():
    raise AssertionError("was computed again")


def steps(folder, **decisive):
    return Steps(folder, {"data": "abc", **decisive})


def test_a_step_that_is_done_is_not_done_again(tmp_path):
    steps(tmp_path)("fit", found)
    again = steps(tmp_path)
    kept = again("fit", never)
    assert kept.facts == found().facts
    np.testing.assert_array_equal(kept.arrays["z"], found().arrays["z"])
    assert again.reused == ["fit"]


def test_other_data_or_another_setting_of_the_step_is_another_step(tmp_path):
    steps(tmp_path)("fit", found, epochs=3)
    assert steps(tmp_path)("fit", lambda: found(2), epochs=4).facts["value"] == 2
    assert steps(tmp_path, data="other")("fit", lambda: found(3), epochs=3).facts["value"] == 3
    assert steps(tmp_path)("fit", never, epochs=3).facts["value"] == 1


def test_an_interrupted_step_leaves_nothing_behind(tmp_path):
    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        steps(tmp_path)("fit", interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_made_anew(tmp_path):
    steps(tmp_path)("fit", found)
    (file,) = tmp_path.iterdir()
    file.write_bytes(file.read_bytes()[:-20])
    assert steps(tmp_path)("fit", lambda: found(5)).facts["value"] == 5
    assert steps(tmp_path)("fit", never).facts["value"] == 5


def test_what_is_kept_last_counts(tmp_path):
    job = steps(tmp_path)
    job.keep("epoch", found(1), seed=1)
    job.keep("epoch", found(2), seed=1)
    kept = job.kept("epoch", seed=1)
    assert kept is not None
    assert kept.facts["value"] == 2
    assert job.kept("epoch", seed=2) is None
