"""HTTP as a polite client speaks it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from urllib.parse import urlsplit

import requests

from services.isic.patience import TransientError, retry_after_s
from twin.errors import DependencyError

_TIMEOUT_S = (10.0, 60.0)  # to connect, and between bytes; assumption
_BUSY = 429  # RFC 6585, 4
_FAULT = 500  # and above: the server's own fault, RFC 9110, 15.6
_TOLD = 200  # characters of a server's explanation


class RefusedError(DependencyError):
    """A server's answer that trying again will not change. Arguments: URL, status, explanation."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        return int(self.args[1])

    def __str__(self) -> str:
        url, status, explanation = self.args
        return f"{url}: HTTP {status}{': ' if explanation else ''}{explanation}"


class Web:
    """Gets URLs, in any number of threads; proxies are taken from the environment."""

    def __init__(self) -> None:
        self._own = threading.local()  # requests does not promise that threads may share a session
        self._all: list[requests.Session] = []

    def close(self) -> None:
        """Close all connections."""
        while self._all:
            self._all.pop().close()

    @contextmanager
    def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[requests.Response]:
        """Get a URL once; the body is read by whoever asked.

        Raises:
            TransientError: the server is busy or out of reach, or the body ended early.
            RefusedError: the server says no.
        """
        try:
            with self._session().get(
                url, params=params, headers=headers, stream=True, timeout=_TIMEOUT_S
            ) as answer:
                _judge(answer)
                yield answer
        except (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.ContentDecodingError,
        ) as cause:
            raise TransientError(_in_words(cause), None) from cause
        except requests.RequestException as cause:
            raise DependencyError(f"{without_secrets(url)}: {type(cause).__name__}") from cause

    def _session(self) -> requests.Session:
        if not hasattr(self._own, "session"):
            self._own.session = requests.Session()
            self._own.session.headers["User-Agent"] = (
                f"dermtwin/{version('dermtwin')} (data fetch-isic; research software)"
            )
            self._all.append(self._own.session)
        session: requests.Session = self._own.session
        return session


def without_secrets(url: str) -> str:
    """Return a URL without its query: links to files are signed, and the signature opens them.

    >>> without_secrets("https://files.example/a.jpg?Signature=s3cret")
    'https://files.example/a.jpg'
    """
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _judge(answer: requests.Response) -> None:
    status = answer.status_code
    if status == _BUSY or status >= _FAULT:
        raise TransientError(f"HTTP {status}", retry_after_s(answer.headers.get("Retry-After")))
    if not answer.ok:
        told = " ".join(answer.text[: 10 * _TOLD].split())[:_TOLD]
        raise RefusedError(without_secrets(answer.url), status, told)


def _in_words(cause: requests.RequestException) -> str:
    if isinstance(cause, requests.exceptions.ConnectTimeout):
        return f"no connection within {_TIMEOUT_S[0]:g} s"
    if isinstance(cause, requests.Timeout):
        return f"no answer within {_TIMEOUT_S[1]:g} s"
    if isinstance(cause, requests.exceptions.ProxyError):
        return "the proxy does not answer"
    if isinstance(cause, requests.exceptions.SSLError):
        return "no secure connection"
    if isinstance(cause, requests.ConnectionError):
        return "no connection, or it broke off"
    return "the answer ended early or is garbled"
