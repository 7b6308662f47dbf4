import io
import time

import numpy as np
import pytest

from twin.arrays import pack, peek, unpack
from twin.errors import ArtefactError


def test_what_is_packed_comes_back():
    arrays = {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "text": np.array("symmetric")}
    back = unpack(pack(arrays), "x.npz")
    assert np.array_equal(back["a"], arrays["a"])
    assert back["a"].dtype == np.float32
    assert str(back["text"]) == "symmetric"


def test_the_bytes_do_not_depend_on_the_time_of_day_or_on_order(monkeypatch):
    one = pack({"a": np.arange(3), "b": np.ones(2)})
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert pack({"b": np.ones(2), "a": np.arange(3)}) == one


def test_numpy_reads_it():
    with np.load(io.BytesIO(pack({"a": np.arange(3)}))) as arrays:
        assert arrays["a"].tolist() == [0, 1, 2]


def test_objects_are_refused_on_writing():
    with pytest.raises(ValueError, match="allow_pickle"):
        pack({"a": np.array([object()])})


def test_a_pickle_is_refused_on_reading():
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"run": "me"}], dtype=object))
    with pytest.raises(ArtefactError, match=r"svm\.npz.*not a file of arrays"):
        unpack(buffer.getvalue(), "svm.npz")


@pytest.mark.parametrize("place", range(0, 400, 7))
def test_a_changed_byte_is_refused_or_changes_nothing(place):
    content = bytearray(pack({"a": np.arange(500)}))
    content[place % len(content)] ^= 0x55
    try:
        back = unpack(bytes(content), "svm.npz")
    except ArtefactError:
        return
    assert all(np.array_equal(array, np.arange(500)) for array in back.values())


WHOLE = pack({"a": np.arange(500)})


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 but no zip", b"anything else", WHOLE[:-30], WHOLE[:60]]
)
def test_other_bytes_are_refused(content):
    with pytest.raises(ArtefactError, match="not a file of arrays"):
        unpack(content, "svm.npz")


def test_one_array_is_read_alone_or_is_said_not_to_be_there():
    content = pack({"a": np.arange(3), "b": np.ones(2)})
    assert peek(content, "x.npz", "a").tolist() == [0, 1, 2]
    assert peek(content, "x.npz", "c") is None
    with pytest.raises(ArtefactError, match=r"x\.npz"):
        peek(content[:-30], "x.npz", "a")
