"""OpenAPI is what is served: every operation, asked rightly and wrongly by Schemathesis."""

import io
import time
from collections import Counter
from pathlib import Path

import jsonschema_rs
import pytest
import schemathesis
from asked import context_of
from desks import desk_at
from hypothesis import HealthCheck, Phase, settings
from random_logs import random_log
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.config._checks import NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES
from schemathesis.specs.openapi.checks import positive_data_acceptance
from served import answering, mirrored, serving

from services.api.app import create_app
from services.api.live.history import History
from services.api.security.guards import add_guards
from services.bus.memory import MemoryBus
from services.logs import open_log

pytestmark = pytest.mark.slow
EXAMPLES = 5  # of each operation, beside those that schemathesis thinks of itself
CONFIG = {
    "generation": {"deterministic": True, "database": "none", "max-examples": EXAMPLES},
    # A moment that is kept no longer is looked at before the rest.
    "checks": {
        "negative_data_rejection": {
            "expected-statuses": [*NEGATIVE_DATA_REJECTION_EXPECTED_STATUSES, "410"]
        }
    },
}


@pytest.fixture(scope="module")
def url(redis_url, tmp_path_factory):
    """A twin with a log of everything, whose event streams end at once."""
    home, bus, prefix = tmp_path_factory.mktemp("home"), MemoryBus(), "test-contract"
    publisher = bus.publisher()
    log = random_log(11, 400)
    for queue in log.values():
        for record in queue:
            if record.event is None:
                publisher.publish_raw(record.topic, "k", "Nothing/1", b"{", {})
            else:
                publisher.publish(record.event)
    (home / "runs").mkdir()
    with (
        mirrored(redis_url, prefix, bus) as mirror,
        answering(bus),
        serving(
            redis_url, prefix, home, bus, desk=desk_at(home, script="print(1)"), is_closing=bool
        ) as (url, context),
    ):
        while mirror.lag() or context.history.state != "live":
            time.sleep(0.02)
        context.is_closing = lambda: True
        yield url


def openapi():
    """What the application says of itself, with everything that is in it."""
    app = create_app(context_of(History()))
    guards = add_guards(
        app,
        home=Path("nowhere"),
        host="127.0.0.1",
        log=open_log(io.StringIO()),
        is_stream=lambda _: False,
    )
    guards.close()
    return app.openapi()


OPENAPI = openapi()
schema = schemathesis.openapi.from_dict(OPENAPI, config=SchemathesisConfig.from_dict(CONFIG))


def examples_in(told):
    """Every schema that has examples, with them, wherever it stands in OpenAPI."""
    if isinstance(told, list):
        for one in told:
            yield from examples_in(one)
    if not isinstance(told, dict):
        return
    if isinstance(told.get("examples"), list):
        yield told, told["examples"]
    if "schema" in told and "example" in told:
        yield told["schema"], [told["example"]]
    if "schema" in told and isinstance(told.get("examples"), dict):
        yield told["schema"], [one["value"] for one in told["examples"].values()]
    for one in told.values():
        yield from examples_in(one)


def test_examples_are_valid():
    found = list(examples_in(OPENAPI))
    assert len(found) > 30
    for told, examples in found:
        validator = jsonschema_rs.Draft202012Validator(
            {"components": OPENAPI["components"], **told}
        )
        for example in examples:
            assert validator.is_valid(example), (example, told)


def test_every_operation_is_described():
    names = Counter()
    for path, operations in OPENAPI["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation.get("summary"), where
            assert operation.get("description"), where
            names[operation["operationId"]] += 1
            assert any(status.startswith("2") for status in operation["responses"]), where
    assert set(names.values()) == {1}


def refused_only_by_a_rule_in_words(ctx, response, case):
    """What JSON Schema allows is refused, if at all, for a reason that it cannot say.

    Such as: not two moments at once; a cursor that is none; If-Match is needed. But FastAPI's own
    validation, whose problems say where, refuses nothing that OpenAPI allows.
    """
    if response.status_code in (410, 412, 415, 428):
        return
    if response.status_code == 422:
        said = [
            one["message"]
            for one in response.json().get("errors", ())
            if one["where"].startswith(("query.", "path.", "header.", "body"))
        ]
        if all(one.startswith("Value error, ") for one in said):  # a rule of ours
            return
    positive_data_acceptance(ctx, response, case)


def fails_only_if_something_is_away(ctx, response, case):
    """There are no actors here, and nobody who makes pictures: 503, and when to ask again."""
    if response.status_code == 503 and case.operation.path in (
        "/v1/cases/{case_id}/image",
        "/v1/cases/{case_id}/explanations",
        "/v1/cases/{case_id}/explanations/{method}",
        "/v1/cases/{case_id}/explanations/{method}/map.png",
        "/v1/cases/{case_id}/explanations/{method}/map.npy",
    ):
        assert "retry-after" in response.headers
        return
    not_a_server_error(ctx, response, case)


def keeps_to_what_openapi_says(path, method):
    """Return the test of one operation."""

    @schema.include(path=path, method=method.upper()).parametrize()
    @settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=EXAMPLES,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def ask(case, url):
        case.call_and_validate(
            base_url=url,
            # Stricter ones are ours.
            excluded_checks=[positive_data_acceptance, not_a_server_error],
            additional_checks=[refused_only_by_a_rule_in_words, fails_only_if_something_is_away],
        )

    return ask


# A function each: schemathesis gives all tests of one function one id, and pytest-xdist runs one of
# each id.
for _path, _operations in OPENAPI["paths"].items():
    for _method, _operation in _operations.items():
        globals()[f"test_{_operation['operationId']}"] = keeps_to_what_openapi_says(_path, _method)
