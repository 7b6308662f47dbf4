"""Where a worker stands among others, and what it stands on."""

import pytest

from services.config import Settings
from services.ray_stack import short_lived, sustained
from services.serving import place_of, serve_cases
from twin.errors import SettingsError


def test_a_share_has_a_name_and_its_actors_have_it_too():
    alone, second, other = (place_of("1/1", None), place_of("2/3", None), place_of(None, "ward-b"))
    assert (alone.name, alone.share, alone.tag) == ("worker", (0, 1), "")
    assert (second.name, second.share, second.tag) == ("worker-2", (1, 3), "w2.")
    assert (other.name, other.share, other.tag) == ("ward-b", None, "ward-b.")


@pytest.mark.parametrize("share", ["0/2", "3/2", "1", "a/b", "1/0"])
def test_no_share_that_is_none(share):
    with pytest.raises(SettingsError, match="I from 1 to N"):
        place_of(share, None)


def test_stems_take_the_cores_where_a_worker_stays(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert sustained(Settings()).replicas == {"stem": 4}
    assert sustained(Settings(), 2).replicas == {"stem": 2}
    assert sustained(Settings(replicas={"stem": 3, "knn": 2})).replicas == {"stem": 3, "knn": 2}
    assert sustained(Settings()).stem_threads == 1
    assert short_lived(Settings()).replicas_of("stem") == 1


def test_a_worker_without_a_log_says_what_is_missing():
    with pytest.raises(SettingsError, match="KAFKA_BOOTSTRAP_SERVERS"):
        serve_cases(Settings(), None, None, place_of("1/1", None), batch=1, log=None)
