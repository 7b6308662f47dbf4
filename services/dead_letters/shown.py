"""Strangers' bytes and words, made safe for a terminal."""

from typing import Final

_PER_LINE: Final = 16


def plain(text: str) -> str:
    r"""Return text with whatever is not printable escaped, so that no terminal obeys it.

    >>> plain("a\x1b[2Jb")
    'a\\x1b[2Jb'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode()
        for sign in text
    )


def shown(raw: bytes, most: int) -> tuple[str, str]:
    """Return how bytes are shown ("text" or "hex"), and at most so many of them so.

    >>> shown(b'{"a": 1}', 100)
    ('text', '{"a": 1}')
    >>> shown(bytes([0xff, 0x41]), 100)
    ('hex', '00000000  ff 41                                            |.A|')
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return "hex", _hex(raw[:most])
    lines = text[:most].split("\n")
    return "text", "\n".join(map(plain, lines))


def _hex(raw: bytes) -> str:
    lines = []
    for at in range(0, len(raw), _PER_LINE):
        some = raw[at : at + _PER_LINE]
        signs = "".join(chr(one) if 32 <= one < 127 else "." for one in some)
        lines.append(f"{at:08x}  {some.hex(' '):<{3 * _PER_LINE}} |{signs}|")
    return "\n".join(lines)
