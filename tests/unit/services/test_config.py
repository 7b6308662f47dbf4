import pytest

from services.bus.port import PARTITIONS
from services.config import VARIABLES, Settings, read_settings
from services.deployment import deployment
from twin.errors import SettingsError


def test_empty_variables_count_as_not_set() -> None:
    assert read_settings({"REDIS_URL": "", "HOME": "/home/x"}) == Settings()


def test_pairs_are_read_per_component() -> None:
    settings = read_settings({"DERMTWIN_REPLICAS": "stem=2, knn=1", "DERMTWIN_CPUS": "stem=0.5"})
    assert settings.replicas == {"stem": 2, "knn": 1}
    assert settings.cpus == {"stem": 0.5}


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("DERMTWIN_REPLICAS", "stem", "expected pairs"),
        ("DERMTWIN_REPLICAS", "stem=two", "integer"),
        ("DERMTWIN_REPLICAS", "stem=0", "above 0"),
        ("DERMTWIN_CPUS", "stem=-1", "above 0"),
        ("DERMTWIN_NAME", "a b", "letters, digits"),
        ("DERMTWIN_THREADS", "0", "at least 1"),
        ("DERMTWIN_PARTITIONS", "0", "at least 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_variable(variable: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({variable: value})
    assert caught.value.args[:2] == (variable, value)
    assert words in str(caught.value)


def test_every_field_has_its_variable() -> None:
    assert {field for field, _ in VARIABLES.values()} == set(Settings.model_fields)


def test_topics_have_as_many_partitions_as_the_settings_say() -> None:
    assert read_settings({}).partitions == PARTITIONS
    assert read_settings({"DERMTWIN_PARTITIONS": "12"}).partitions == 12


def test_more_workers_than_partitions_are_refused_before_anything_is_started() -> None:
    settings = read_settings({"DERMTWIN_PARTITIONS": "2"})
    with (
        pytest.raises(SettingsError, match="DERMTWIN_PARTITIONS"),
        deployment(settings, None, workers=3, log=None),
    ):
        pass
