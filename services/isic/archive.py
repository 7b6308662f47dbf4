"""The ISIC archive's API, version 2, as far as we need it.

https://api.isic-archive.com/api/docs/swagger/ and https://github.com/ImageMarkup/isic: pages of
at most 100 images with `results`, `next` (a URL with a cursor) and, on the first page, `count`.
Links to files are signed and expire; an image asked for by its id comes with a fresh one.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl, urlsplit

import requests
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from services.isic.address import ISIC_API
from services.isic.patience import Patience, TransientError
from services.isic.web import RefusedError, Web
from twin.errors import DependencyError, SettingsError

_PAGE: Final = 100  # the most that a page holds
_BAD_REQUEST: Final = (400, 422)  # a query that cannot be parsed: 400 of old, else 422


class _Outside(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class FileLink(_Outside):
    """Where a file is."""

    url: str = Field(pattern=r"^https?://")
    size: int = Field(ge=0)  # bytes


class Files(_Outside):
    """The renditions of an image."""

    full: FileLink
    thumbnail_256: FileLink | None = None


class Metadata(_Outside):
    """What is known about an image."""

    acquisition: dict[str, Any] = {}
    clinical: dict[str, Any] = {}


_Text = Annotated[str, BeforeValidator(lambda value: "" if value is None else value)]


class ArchiveImage(_Outside):
    """An image of the archive."""

    isic_id: str = Field(pattern=r"^ISIC_[0-9]{1,12}$")  # becomes the name of a file
    copyright_license: _Text = ""
    attribution: _Text = ""
    files: Files
    metadata: Metadata = Metadata()

    @property
    def fields(self) -> dict[str, str]:
        """Clinical and technical metadata as text; an empty text is unknown."""
        both = {**self.metadata.acquisition, **self.metadata.clinical}
        return {name: "" if value is None else str(value).strip() for name, value in both.items()}


class _Page(_Outside):
    results: list[Any]
    next: str | None = None
    count: int | None = None


class Unreadable(_Outside):
    """An entry of a page that is no image as the API describes it."""

    isic_id: str
    reason: str


class Archive:
    """Asks the archive.

    Parameters:
        web: speaks HTTP.
        patience: when to try again.
        api: address of the API.
    """

    def __init__(self, web: Web, patience: Patience, api: str = ISIC_API) -> None:
        self._web, self._patience, self._api = web, patience, api.rstrip("/")
        self.count: int | None = None  # images that match, once the first page is here

    def images(self, query: str, collections: str) -> Iterator[ArchiveImage | Unreadable]:
        """Yield the images that match, page by page.

        Parameters:
            query: in the archive's search language; "" for all.
            collections: ids separated by commas; "" for all.

        Raises:
            SettingsError: the archive does not understand the query.
            DependencyError: the archive cannot be reached or answers with something else.
        """
        wanted = {"query": query, "collections": collections}
        params = {"limit": str(_PAGE), **{key: value for key, value in wanted.items() if value}}
        met: set[str] = set()
        while True:
            page = self._page(params, query, collections)
            if self.count is None:
                self.count = page.count
            for raw in page.results:
                image = _image(raw)
                if image.isic_id not in met:  # a cursor may repeat what moved between pages
                    yield image
                met.add(image.isic_id)
            if not page.next:
                return
            # Its query and not its address: behind a proxy the archive may not know its own.
            following = dict(parse_qsl(urlsplit(page.next).query))
            if following == params:
                raise DependencyError(f"{self._api}: a page names itself as the next one")
            params = following

    def image(self, isic_id: str) -> ArchiveImage:
        """Return one image, with fresh links.

        Raises:
            DependencyError: there is none, or the archive cannot be reached.
        """
        image = _image(self._json(f"{self._api}/images/{isic_id}/", {}))
        if isinstance(image, Unreadable):
            raise DependencyError(f"{isic_id}: {image.reason}")
        return image

    def _page(self, params: Mapping[str, str], query: str, collections: str) -> _Page:
        try:
            raw = self._json(f"{self._api}/images/search/", params)
        except RefusedError as error:
            if error.status not in _BAD_REQUEST:
                raise
            name, value = ("--query", query) if query else ("--collection", collections)
            raise SettingsError(name, value, f"the archive says {error}") from error
        try:
            return _Page.model_validate(raw)
        except ValidationError as cause:
            raise DependencyError(
                f"{self._api}/images/search/: no page of results as the ISIC API v2 has them"
            ) from cause

    def _json(self, url: str, params: Mapping[str, str]) -> object:
        def ask() -> object:
            with self._web.get(url, params=params, headers={"Accept": "application/json"}) as got:
                try:
                    found: object = got.json()
                except requests.exceptions.JSONDecodeError as cause:
                    raise TransientError("the answer is no JSON", None) from cause
                return found

        return self._patience.tried(url, ask)


def _image(raw: object) -> ArchiveImage | Unreadable:
    try:
        return ArchiveImage.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "entry"
        name = str(raw.get("isic_id", ""))[:40] if isinstance(raw, dict) else ""
        return Unreadable(isic_id=name or "an entry", reason=f"{place}: {first['msg'].lower()}")
