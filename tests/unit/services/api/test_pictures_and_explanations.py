"""The paths of pictures and explanations, with fakes behind them; a renderer that is real."""

import io
import time
from concurrent.futures import Future
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import structlog
from admitted import let_in
from asgi_client import AsgiClient
from asking import ARRIVED, MODEL, OWN, VERDICT, FakeExplaining
from fastapi import FastAPI
from PIL import Image
from samples import arrived, rejected
from tiny_model import patients

from services.api.context import ApiContext
from services.api.pictures.renderer import Renderer
from services.api.pictures.wanted import Picture, PictureFault
from services.api.problems import ProblemError, answer_problem
from services.api.routes import explanations, images
from services.asks import channel
from services.asks.asker import Asker
from services.asks.loop import asks_loop
from services.background import Background
from services.config import Settings
from twin.errors import DependencyError
from twin.images import BlobRef, FileRef
from twin.state import CaseState

LESION = patients(1)[0].image
SHOWN = replace(ARRIVED, image=LESION)


class FakeCases:
    def __init__(self):
        self.promoted = {}
        self.book = SimpleNamespace(dropped=0)
        self.cases = {
            "c1": CaseState(arrived=SHOWN, answer=VERDICT),
            "a b": CaseState(
                arrived=replace(SHOWN, case_id="a b"), answer=replace(VERDICT, case_id="a b")
            ),
            "waits": CaseState(arrived=arrived("waits")),
            "early": CaseState(answer=VERDICT),
            "rejected": CaseState(arrived=arrived("rejected"), answer=rejected("rejected")),
            "later": CaseState(arrived=arrived("later"), answer=replace(VERDICT, stack=7)),
            "bad": CaseState(
                arrived=replace(arrived("bad"), image=BlobRef(sha256="x" * 64)), answer=VERDICT
            ),
            "file": CaseState(arrived=replace(SHOWN, image=FileRef(path="a.jpg", sha256="0" * 64))),
        }

    def case(self, case_id):
        return self.cases.get(case_id)


class FakePictures:
    """Fails with what the last sign of a blob's name says."""

    def __init__(self):
        self.wanted = []
        self.fault = None

    def picture(self, wanted):
        self.wanted.append(wanted)
        future = Future()
        if self.fault is not None:
            future.set_exception(PictureFault(*self.fault))
        else:
            future.set_result(Picture(b"a picture", "image/png"))
        return future


def context(redis, prefix, **more):
    return ApiContext(
        settings=Settings(),
        prefix=prefix,
        kafka="",
        redis=redis,
        log=structlog.get_logger(),
        history=FakeCases(),
        **more,
    )


def client_of(context):
    app = FastAPI()
    app.state.context = context
    app.add_exception_handler(ProblemError, answer_problem)
    app.include_router(images.router)
    app.include_router(explanations.router)
    let_in(app)
    return AsgiClient(app)


@pytest.fixture
def pictures():
    return FakePictures()


@pytest.fixture
def client(pictures):
    return client_of(context("", "p", pictures=pictures))


@pytest.fixture
def explaining():
    return FakeExplaining()


@pytest.fixture
def asking(redis_url, prefix, explaining, monkeypatch):
    """Return a client with the whole way behind it, but for the explainer and the renderer."""
    monkeypatch.setattr(channel, "_POP_S", 0.1)
    run = asks_loop(
        redis_url, prefix, explaining, model_id=MODEL, own=OWN, log=structlog.get_logger()
    )
    loop = Background("asks", run)
    asker = Asker(redis_url, prefix)
    while not asker._channel.is_answered():
        time.sleep(0.01)
    yield client_of(context(redis_url, prefix, pictures=FakePictures(), asker=asker))
    explaining.go.set()
    asker.close()
    loop.stop()


# --- pictures


def test_a_picture_has_a_strong_etag_and_is_not_made_for_who_has_it(client, pictures):
    answer = client.get("/v1/cases/c1/image")
    assert (answer.status_code, answer.content) == (200, b"a picture")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["cache-control"] == "private, max-age=60"
    etag = answer.headers["etag"]
    assert etag.startswith('"')
    again = client.get("/v1/cases/c1/image", headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["etag"], len(pictures.wanted)) == (304, etag, 1)
    small = client.get("/v1/cases/c1/image?size=96", headers={"If-None-Match": etag})
    assert small.status_code == 200
    assert pictures.wanted[1].head["edge_px"] == 96
    assert client.get("/v1/cases/a%20b/image").headers["etag"] == etag  # the same lesion
    assert client.get("/v1/cases/c1/image?size=97").status_code == 422


@pytest.mark.parametrize(
    "path", ["nobody", "early", "x" * 201, "%00", "a%0ab", "%F0%9F%98%80"], ids=str
)
def test_no_case_no_picture(client, path):
    answer = client.get(f"/v1/cases/{path}/image")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("case_id", "fault", "status", "told"),
    [
        ("bad", ("gone", "its time has run out"), 410, "its time has run out"),
        ("file", ("gone", "no data directory"), 404, "no data directory"),
        ("c1", ("unreadable", "truncated"), 422, "truncated"),
        ("c1", ("busy", "64 wait"), 503, "64 wait"),
        ("c1", ("away", "Error 111 at 10.0.0.1"), 503, "does not answer"),
    ],
)
def test_a_picture_that_cannot_be_had_says_why(client, pictures, case_id, fault, status, told):
    pictures.fault = fault
    answer = client.get(f"/v1/cases/{case_id}/image")
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert "10.0.0.1" not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


@pytest.mark.slow
def test_a_real_picture_of_a_case():
    renderer = Renderer({"data": None, "redis": None, "prefix": "p"})
    try:
        client = client_of(context("", "p", pictures=renderer))
        answer = client.get("/v1/cases/c1/image?size=96")
        assert Image.open(io.BytesIO(answer.content)).size == (96, 96)
        assert client.get("/v1/cases/bad/image").status_code == 410
        assert client.get("/v1/cases/file/image").status_code == 404
    finally:
        renderer.close()


# --- explanations


def test_methods_are_listed_with_what_is_cached(asking):
    before = asking.get("/v1/cases/c1/explanations").json()
    assert [one["name"] for one in before["methods"]][:2] == ["grad-cam", "hires-cam"]
    assert not any(one["cached"] or one["cached_checked"] for one in before["methods"])
    assert asking.get(before["methods"][1]["href"]).status_code == 200
    after = asking.get("/v1/cases/c1/explanations").json()["methods"]
    assert [one["name"] for one in after if one["cached"]] == ["hires-cam"]
    # Another case of the same image, answered alike, shares it.
    shared = asking.get("/v1/cases/a%20b/explanations").json()["methods"]
    assert [one["href"] for one in shared if one["cached"]] == [
        "/v1/cases/a%20b/explanations/hires-cam"
    ]


def test_an_explanation_in_words_colours_and_numbers(asking, explaining):
    answer = asking.get("/v1/cases/c1/explanations/occlusion?checked=true")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["p_malignant"], told["threshold"], told["malignant"]) == (0.7, 0.5, True)
    assert told["log_odds_nats"] == told["intercept_nats"] + sum(
        one["nats"] for one in told["contributions"]
    )
    assert told["fidelity"]["is_low"] is True
    assert (told["map"]["low"], told["map"]["high"], told["map"]["edge_px"]) == (0, 223, 224)
    assert (told["map"]["low_shown"], told["map"]["high_shown"]) == ("0", "≥ 221")
    assert told["deletion"]["beats_random"]
    array = asking.get(told["links"]["array"])
    raw = np.load(io.BytesIO(array.content), allow_pickle=False)
    assert (raw.shape, raw.dtype, raw.max()) == ((224, 224), np.float32, 223)
    for name in ("map", "map_alone"):
        assert asking.get(told["links"][name]).content == b"a picture"
    over, alone = asking.app.state.context.pictures.wanted
    assert (over.head["overlay"], alone.head["overlay"]) == (True, False)
    assert over.key != alone.key
    assert len(explaining.asked) == 1  # all of it is one explanation
    same = asking.get(
        "/v1/cases/c1/explanations/occlusion?checked=true",
        headers={"If-None-Match": answer.headers["etag"]},
    )
    assert same.status_code == 304
    plain = asking.get("/v1/cases/c1/explanations/occlusion").json()
    assert (plain["deletion"], len(explaining.asked)) == (None, 2)


def test_what_takes_longer_is_told_where_to_ask_again(asking, explaining):
    explaining.go.clear()
    for _ in range(2):
        answer = asking.get("/v1/cases/a%20b/explanations/rise?wait_s=0.1")
        assert (answer.status_code, answer.headers["retry-after"]) == (202, "5")
    explaining.go.set()
    there = asking.get(answer.headers["location"].replace("wait_s=0.1", "wait_s=20"))
    assert (there.status_code, there.json()["case_id"]) == (200, "a b")
    assert len(explaining.asked) == 1


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("nobody/explanations", 404, "no such case"),
        ("waits/explanations", 409, "no verdict yet"),
        ("rejected/explanations/rise", 422, "truncated"),
        ("later/explanations/rise", 409, "stack version 7"),
        ("c1/explanations/lime", 404, "grad-cam, hires-cam"),
        ("bad/explanations/rise", 422, "truncated"),
    ],
)
def test_what_cannot_be_explained(asking, path, status, told):
    for suffix in ("", "/map.png", "/map.npy") if path.count("/") > 1 else ("",):
        answer = asking.get(f"/v1/cases/{path}{suffix}")
        assert (answer.status_code, told in answer.json()["detail"]) == (status, True)


def test_an_explainer_that_is_gone_is_no_ones_end(asking, explaining):
    explaining.failures = [DependencyError("the explainer is gone: it was killed")]
    answer = asking.get("/v1/cases/c1/explanations/rise")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "15")
    assert asking.get("/v1/cases/c1/explanations/rise").status_code == 200


def test_without_anybody_who_explains(client, redis_url, prefix):
    assert client.get("/v1/cases/c1/explanations").status_code == 503
    asker = Asker(redis_url, prefix)
    lonely = client_of(context(redis_url, prefix, asker=asker))
    assert lonely.get("/v1/cases/c1/explanations").status_code == 200
    answer = lonely.get("/v1/cases/c1/explanations/rise")
    assert (answer.status_code, "not up" in answer.json()["detail"]) == (503, True)
    assert lonely.get("/v1/cases/c1/image").status_code == 503  # no pictures either
    asker.close()


def test_everything_that_is_answered_is_documented(client):
    paths = client.app.openapi()["paths"]
    assert set(paths["/v1/cases/{case_id}/image"]["get"]["responses"]) >= {"200", "304", "410"}
    found = paths["/v1/cases/{case_id}/explanations/{method}"]["get"]["responses"]
    assert set(found) >= {"200", "202", "304", "404", "409", "422", "503", "504"}
    assert "application/problem+json" in found["422"]["content"]
