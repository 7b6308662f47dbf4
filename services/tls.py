"""TLS as Kafka's and Redis' clients use it: verified, with errors that name the variable."""

import ssl
from pathlib import Path
from typing import Final

from twin.errors import SettingsError

_ADDRESS: Final = {"KAFKA": "KAFKA_BOOTSTRAP_SERVERS", "REDIS": "REDIS_URL"}
_PLAIN: Final = {
    "KAFKA": "look at KAFKA_SECURITY_PROTOCOL and at the port",
    "REDIS": "REDIS_URL begins with rediss://, or the port is another's",
}
# What OpenSSL says, the more exact first -> what to look at.
_HINTS: Final = (
    (
        ("hostname mismatch", "ip address mismatch"),
        "its certificate is for another host name than the one in {address}",
    ),
    (
        ("certificate has expired", "certificate is not yet valid"),
        "its certificate is out of date, or the clock of this machine is wrong",
    ),
    (
        ("certificate verify failed",),
        "its certificate is not signed by who is in {server}_SSL_CAFILE, or that is not set",
    ),
    (
        ("certificate required", "bad certificate"),
        "it asks for a certificate: set {server}_SSL_CERTFILE and {server}_SSL_KEYFILE",
    ),
    (("unknown ca",), "it does not trust the certificate in {server}_SSL_CERTFILE"),
    (
        ("wrong version number", "record layer failure"),
        "it does not speak TLS there: {plain}",
    ),
)


def tls_context(
    server: str, ca: Path | None, cert: Path | None, key: Path | None
) -> ssl.SSLContext:
    """Return a context that verifies certificate and host name.

    Parameters:
        server: "KAFKA" or "REDIS", with which the variables begin.
        ca: who signed the server's certificate; those that the system trusts if None.
        cert, key: of the client, for servers that ask for them.

    Raises:
        SettingsError: a file cannot be used.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except (ssl.SSLError, OSError) as error:
        reason = f"cannot be used: {_words(error)}"
        raise SettingsError(f"{server}_SSL_CAFILE", str(ca), reason) from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert is not None and key is not None:
        try:
            # With a password given, a locked key is an error; without, it would be asked for.
            context.load_cert_chain(cert, key, password="")
        except (ssl.SSLError, OSError, ValueError) as error:
            reason = f"with {server}_SSL_CERTFILE cannot be used: {_words(error)}"
            raise SettingsError(f"{server}_SSL_KEYFILE", str(key), reason) from error
    return context


def tls_hint(server: str, error: Exception) -> str | None:
    """Return what to look at after a failed handshake, from an error or its words.

    >>> tls_hint("REDIS", OSError("[SSL: CERTIFICATE_VERIFY_FAILED] Hostname mismatch"))
    'its certificate is for another host name than the one in REDIS_URL'
    """
    text = str(error).lower().replace("_", " ")
    for words, hint in _HINTS:
        if any(each in text for each in words):
            return hint.format(server=server, address=_ADDRESS[server], plain=_PLAIN[server])
    return None


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError):
        return error.strerror or str(error)
    return str(error) or "it is no such file"
