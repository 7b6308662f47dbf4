from collections.abc import Mapping
from typing import Any

import pytest
from starlette.requests import Request

from services.api.conditional import check_if_match, etag_of, etag_with, not_modified
from services.api.problems import ProblemError


def asked(*headers: tuple[str, str]) -> Request:
    scope: Mapping[str, Any] = {
        "type": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    return Request(scope)


def test_an_etag_is_quoted_and_depends_on_every_part() -> None:
    assert etag_of(b"x").startswith('"')
    assert etag_of("run", 1) == etag_of("run", 1)
    assert len({etag_of("run", 1), etag_of("run", 2), etag_of("run1"), etag_of("ru", "n1")}) == 4


@pytest.mark.parametrize("header", ['"a"', '"b", "a"', "*", 'W/"a", "a"'])
def test_a_change_passes_with_the_present_etag(header: str) -> None:
    check_if_match(asked(("if-match", header)), '"a"')


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ((), 428),
        ((("if-match", '"b"'),), 412),
        ((("if-match", 'W/"a"'),), 412),  # a change asks for strong comparison
        ((("if-match", "a"),), 412),  # not quoted: no tag
        ((("if-match", ""),), 412),
    ],
)
def test_a_change_without_it_is_refused_and_told_the_etag(
    headers: tuple[tuple[str, str], ...], status: int
) -> None:
    with pytest.raises(ProblemError) as caught:
        check_if_match(asked(*headers), '"a"')
    assert caught.value.status == status
    assert caught.value.headers == {"ETag": '"a"'}


@pytest.mark.parametrize("header", ['"a"', 'W/"a"', '"b","a"', "*"])
def test_what_is_known_already_is_not_sent_again(header: str) -> None:
    answer = not_modified(asked(("if-none-match", header)), '"a"')
    assert answer is not None
    assert (answer.status_code, answer.headers["etag"], answer.body) == (304, '"a"', b"")


@pytest.mark.parametrize("headers", [(), (("if-none-match", '"b"'),)])
def test_news_are_sent(headers: tuple[tuple[str, str], ...]) -> None:
    assert not_modified(asked(*headers), '"a"') is None


def test_progress_changes_the_etag_and_refuses_no_change() -> None:
    state, other = etag_of("run", "running"), etag_of("run", "done")
    before, now = etag_with(state, 1), etag_with(state, 2)
    assert len({state, before, now}) == 3
    check_if_match(asked(("if-match", before)), now, passing=True)
    assert not_modified(asked(("if-none-match", before)), now) is None
    with pytest.raises(ProblemError):
        check_if_match(asked(("if-match", before)), now)
    with pytest.raises(ProblemError):
        check_if_match(asked(("if-match", etag_with(other, 1))), now, passing=True)
