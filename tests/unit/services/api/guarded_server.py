"""The application of `guarded.py`, served: `python guarded_server.py HOME` prints its port."""

import socket
import sys
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from guarded import add_paths

from services.api.security import patience
from services.api.security.guards import add_guards
from services.api.security.patience import SERVER_OPTIONS, allow_connections
from services.logs import open_log


def main() -> None:
    allow_connections()
    patience.HEAD_S = 0.5  # type: ignore[misc]  # a test does not wait for ten
    app = FastAPI()
    add_paths(app)
    guards = add_guards(
        app,
        home=Path(sys.argv[1]),
        host="127.0.0.1",
        log=open_log(sys.stderr),
        is_stream="/v1/stream".__eq__,
    )
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)  # noqa: T201  the test reads it
    config = uvicorn.Config(app, log_level="warning", lifespan="off", **SERVER_OPTIONS)
    uvicorn.Server(config).run(sockets=[listening])
    guards.close()


if __name__ == "__main__":
    main()
