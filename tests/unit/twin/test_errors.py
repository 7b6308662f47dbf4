import inspect
import pickle

import pytest

from twin import errors

_ARGUMENTS = {
    errors.ImageError: ("a.jpg", "truncated"),
    errors.EventError: (b"\x00\x01", "no schema"),
    errors.VersionError: (b"\x00\x01", "schema 'CaseRead/1' is of an earlier version"),
    errors.DataError: ("manifest.csv", "row 3: no such file"),
    errors.ArtefactError: ("abc", "meta.json differs"),
    errors.ScenarioError: ("clinic.yaml", 7, "arrivals.rate", "unknown key"),
    errors.SettingsError: ("REDIS_URL", "x", "expected a URL"),
    errors.IllegalTransitionError: ("component", "stem", "ready", "restart"),
}
_CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]


@pytest.mark.parametrize("kind", _CLASSES)
def test_every_error_survives_pickling_with_its_words(kind: type[Exception]) -> None:
    error = kind(*_ARGUMENTS.get(kind, ("what went wrong",)))
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes
    assert type(again) is kind
    assert str(again) == str(error)
    assert again.args == error.args


@pytest.mark.parametrize("kind", _CLASSES)
def test_every_error_belongs_to_somebody(kind: type[Exception]) -> None:
    owners = (errors.InputError, errors.DependencyError, errors.InvariantError)
    assert kind is errors.DermtwinError or issubclass(kind, owners)


def test_scenario_errors_name_file_line_and_key() -> None:
    error = errors.ScenarioError("clinic.yaml", 7, "arrivals.rate", "unknown key")
    assert str(error) == "clinic.yaml:7: arrivals.rate: unknown key"
