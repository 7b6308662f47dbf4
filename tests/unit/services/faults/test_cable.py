"""A cable passes bytes, and can be pulled and plugged in again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

from services.faults.proxy import HOST, Cable


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that says everything twice."""
    with socket.create_server((HOST, 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(client,), daemon=True).start()

        def answer(client: socket.socket) -> None:
            with client:
                try:
                    while data := client.recv(100):
                        client.sendall(data + data)
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)


def connected(cable: Cable) -> socket.socket:
    return socket.create_connection((HOST, cable.port), timeout=5.0)


def test_it_passes_bytes_both_ways(echo: tuple[str, int]) -> None:
    with Cable(echo) as cable, connected(cable) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"oneone"


def test_pulled_it_refuses_who_is_new_and_holds_who_is_there(echo: tuple[str, int]) -> None:
    with Cable(echo) as cable, connected(cable) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"oneone"
        cable.pull()
        with pytest.raises(ConnectionRefusedError):
            connected(cable)
        client.sendall(b"two")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(100)


def test_plugged_in_again_it_serves_at_the_same_port_and_resets_who_stood_still(
    echo: tuple[str, int],
) -> None:
    with Cable(echo) as cable, connected(cable) as client:
        client.sendall(b"one")
        assert client.recv(100) == b"oneone"
        before = cable.port
        cable.pull()
        cable.plug()
        cable.plug()  # it is whole: nothing happens
        assert cable.port == before
        with pytest.raises(ConnectionError):
            while client.recv(100):
                continue
            raise ConnectionError("ended in order")
        with connected(cable) as again:
            again.sendall(b"x")
            assert again.recv(100) == b"xx"


def test_a_server_that_is_down_shows_as_a_connection_that_ends(echo: tuple[str, int]) -> None:
    with socket.create_server((HOST, 0)) as free:
        nobody = free.getsockname()
    with Cable(nobody) as cable, connected(cable) as client:
        with suppress(ConnectionResetError):
            assert client.recv(100) == b""
        cable.target = echo
        with connected(cable) as again:
            again.sendall(b"x")
            assert again.recv(100) == b"xx"


def test_closed_it_lets_go_of_all(echo: tuple[str, int]) -> None:
    cable = Cable(echo)
    client = connected(cable)
    cable.close()
    cable.close()
    with client, pytest.raises(ConnectionError):
        while client.recv(100):
            continue
        raise ConnectionError("ended in order")
    with pytest.raises(ConnectionRefusedError):
        connected(cable)
