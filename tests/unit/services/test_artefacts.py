from pathlib import Path

import pytest
from tiny_model import tiny_model

from services.artefacts import ArtefactStore
from twin.errors import ArtefactError


@pytest.fixture
def store(tmp_path: Path) -> ArtefactStore:
    return ArtefactStore(tmp_path)


def test_a_model_is_found_by_its_id_and_by_its_directory(store: ArtefactStore) -> None:
    directory = store.save(tiny_model())
    assert directory.name == tiny_model().model_id
    for which in (tiny_model().model_id, str(directory), None):
        assert store.load_or_latest(which).files == tiny_model().files


def test_saving_twice_keeps_one_and_leaves_nothing_behind(store: ArtefactStore) -> None:
    directory = store.save(tiny_model())
    assert store.save(tiny_model()) == directory
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]


def test_one_byte_changed_in_any_file_is_refused_by_name(store: ArtefactStore) -> None:
    directory = store.save(tiny_model())
    for path in sorted(directory.rglob("*")):
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        with pytest.raises(ArtefactError, match=path.name):
            store.load(tiny_model().model_id)
        path.write_bytes(whole)
    store.load(tiny_model().model_id)


def test_a_model_that_is_not_there_is_told_with_those_that_are(store: ArtefactStore) -> None:
    with pytest.raises(ArtefactError, match="none yet"):
        store.load_or_latest(None)
    store.save(tiny_model())
    with pytest.raises(ArtefactError, match=tiny_model().model_id):
        store.load("nothing")


def test_a_recipe_remembers_its_model_as_long_as_it_is_there(store: ArtefactStore) -> None:
    assert store.remembered("abc") is None
    directory = store.save(tiny_model())
    store.remember("abc", tiny_model().model_id)
    found = store.remembered("abc")
    assert found is not None
    assert found.model_id == tiny_model().model_id
    directory.rename(directory.with_name("elsewhere"))
    assert store.remembered("abc") is None
