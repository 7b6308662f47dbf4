"""A local server that speaks the ISIC archive's API, version 2, and misbehaves on demand."""

import base64
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass(frozen=True)
class Fault:
    """What a request meets instead of its answer."""

    status: int = 0  # an answer of this status
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None  # break off after so many bytes
    more: bytes = b""  # send these after the file
    ranges: bool = True  # honour Range
    body: bytes = b"{}"


@dataclass(frozen=True)
class Request:
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


class IsicServer:
    """Images by id, pages of them, and a note of every request."""

    def __init__(self, page: int) -> None:
        self.page = page
        self.api = ""
        self.images: dict[str, dict[str, Any]] = {}
        self.content: dict[str, bytes] = {}
        self.faults: dict[str, list[Fault]] = {}  # by path; each is met once
        self.always: dict[str, Fault] = {}
        self.requests: list[Request] = []
        self.expired: set[str] = set()  # signatures that open nothing any more
        self.lock = threading.Lock()

    def add(self, number: int, clinical: Mapping[str, Any], **more: Any) -> str:
        isic_id = f"ISIC_{number:07d}"
        content = b"\xff\xd8\xff" + f"{isic_id} full size".encode() * 2000  # 44 kB
        for folder, data in (("files", content), ("thumbnails", content[:40])):
            self.content[f"/{folder}/{isic_id}.jpg"] = data
        self.images[isic_id] = {
            "public": True,
            "isic_id": isic_id,
            "copyright_license": "CC-BY",
            "attribution": "Clinic, of X",
            "metadata": {
                "acquisition": {"pixels_x": 600, "pixels_y": 450, "image_type": "dermoscopic"},
                "clinical": dict(clinical),
            },
            **more,
        }
        return isic_id

    def described(self, isic_id: str, signature: str) -> dict[str, Any]:
        host = self.api.rsplit("/api", 1)[0]
        files = {
            name: {
                "url": f"{host}/{folder}/{isic_id}.jpg?Signature={signature}",
                "size": len(self.content[f"/{folder}/{isic_id}.jpg"]),
            }
            for name, folder in (("full", "files"), ("thumbnail_256", "thumbnails"))
        }
        return {"files": files, **self.images[isic_id]}

    def file_requests(self) -> list[Request]:
        return [one for one in self.requests if one.path.startswith(("/files", "/thumbnails"))]


@contextmanager
def isic_server(page: int = 3) -> Iterator[IsicServer]:
    """Serve on a free loopback port while the block runs."""
    state = IsicServer(page)

    class Handler(_Handler):
        server_state = state

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.api = f"http://127.0.0.1:{server.server_port}/api/v2"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    server_state: IsicServer

    def do_GET(self) -> None:
        state = self.server_state
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        with state.lock:
            state.requests.append(Request(parts.path, query, dict(self.headers)))
            waiting = state.faults.get(parts.path, [])
            fault = waiting.pop(0) if waiting else state.always.get(parts.path, Fault())
        if fault.status:
            self._send(fault.status, fault.body, fault.headers)
        elif parts.path == "/api/v2/images/search/":
            self._send(200, json.dumps(self._page(query)).encode())
        elif parts.path in state.content:
            self._file(state.content[parts.path], query, fault)
        else:
            isic_id = parts.path.rstrip("/").rsplit("/", 1)[-1]
            known = isic_id in state.images
            body = json.dumps(state.described(isic_id, "fresh") if known else {"detail": "none"})
            self._send(200 if known else 404, body.encode())

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        state = self.server_state
        first = int(base64.b64decode(query["cursor"]).decode()[2:]) if "cursor" in query else 0
        size = min(state.page, int(query["limit"]))
        names = list(state.images)
        following = None
        if first + size < len(names):
            cursor = base64.b64encode(f"o={first + size}".encode()).decode()
            # Behind a proxy, the real one may name itself otherwise than its users do.
            following = "http://inside.invalid/api/v2/images/search/?" + urlencode(
                {**query, "cursor": cursor}
            )
        return {
            "next": following,
            "previous": None,
            "results": [state.described(name, "first") for name in names[first : first + size]],
            "count": None if "cursor" in query else len(names),
        }

    def _file(self, content: bytes, query: Mapping[str, str], fault: Fault) -> None:
        if query["Signature"] in self.server_state.expired:
            self._send(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        asked = self.headers.get("Range")
        first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and fault.ranges else 0
        if first >= len(content):
            self._send(416, b"")
            return
        body = content[first:] + fault.more
        headers = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"}
        self.send_response(206 if first else 200)
        for name, value in (headers if first else {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if fault.cut is None else body[: fault.cut])
        if fault.cut is not None:
            self.close_connection = True

    def _send(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep standard error quiet."""
