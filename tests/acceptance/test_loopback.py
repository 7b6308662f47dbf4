"""Whatever is started listens to this machine alone."""

import inspect

import psutil

from services.cli import app
from services.embedded.servers import EmbeddedServers


def test_embedded_servers_listen_to_this_machine_alone(servers: EmbeddedServers) -> None:
    for name in ("kafka", "redis"):
        process = psutil.Process(servers.pids[name])
        listens = [
            one.laddr.ip
            for one in process.net_connections("inet")
            if one.status == psutil.CONN_LISTEN
        ]
        assert listens and set(listens) <= {"127.0.0.1", "::1"}, name


def test_the_api_listens_to_this_machine_unless_told_otherwise() -> None:
    for command in app.registered_commands:
        options = inspect.signature(command.callback).parameters
        if "host" in options:
            assert options["host"].default == "127.0.0.1", command.callback
