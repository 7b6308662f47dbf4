"""Where the API listens."""

import socket

from twin.errors import SettingsError


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one.

    Raises:
        SettingsError: the address cannot be listened on, and why.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise SettingsError("--port", f"{host}:{port}", error.strerror or str(error)) from error
    listener.listen(2048)
    return listener


def address_of(host: str, port: int) -> str:
    """Return the address for people.

    >>> address_of("::1", 8765)
    'http://[::1]:8765'
    """
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
