"""The page around a report: one file without any request to the network.

Its content security policy names the two scripts by their sha256, so that no other script runs
even if markup got in. Styles are plotly's own as well, and therefore allowed in the page.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from simulator.report.markup import Html, join, tag


def page(
    title: str, top: Html, contents: Sequence[tuple[str, str]], body: Html, *, style: str = ""
) -> str:
    """Return the whole file.

    Parameters:
        top: what stands before the list of contents: title, question and answer.
        contents: key and title of each section.
        style: CSS of this page alone.
    """
    scripts = [_plotly(), _file("report.js")]
    policy = (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src "
        + " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
        + "; base-uri 'none'; form-action 'none'"
    )
    head = join(
        [
            Html('<meta charset="utf-8">'),
            tag("meta", http_equiv="Content-Security-Policy", content=policy),
            tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            tag("meta", name="color-scheme", content="light dark"),
            tag("title", title),
            tag("style", Html(_file("report.css") + style)),
        ],
        "\n",
    )
    links = [tag("li", tag("a", name, href=f"#{key}")) for key, name in contents]
    noscript = tag(
        "noscript", tag("p", "Figures need JavaScript; the tables hold the same numbers.")
    )
    navigation = tag("nav", tag("ul", *links), aria_label="Contents")
    run = join(tag("script", Html(script)) for script in scripts)
    inner = tag("main", top, navigation, noscript, body)
    whole = join([tag("head", head), "\n", tag("body", inner, run)])
    return f'<!doctype html>\n<html lang="en">\n{whole}\n</html>\n'


@cache
def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


@cache
def _file(name: str) -> str:
    return files("simulator.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
