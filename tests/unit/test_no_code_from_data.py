"""Nothing that is read can run: no pickle and no other way from bytes to code, on any path."""

import ast
import re
from pathlib import Path

import pytest

PACKAGES = ("twin", "actors", "simulator", "services")
SOURCES = sorted(path for package in PACKAGES for path in Path(package).rglob("*.py"))
# Modules whose readers run what they read, or that exist to do so.
MODULES = {
    *("pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"),
    *("torch", "code", "runpy", "imp"),
}
CALLS = {"eval", "exec", "compile", "__import__"}
# Attribute -> what may stand before it; None: nothing may.
READERS: dict[str, set[str] | None] = {
    "unsafe_load": None,
    "full_load": None,
    "load_model": None,  # Keras' own, which can hold a Lambda layer
    "read_pickle": None,
    "eval": {"client"},  # a script of ours in Redis
    "exec": None,
    "system": {"platform"},
    "popen": None,
    "mktemp": None,
}
# Only a text that has one of these can have a complaint: to parse all takes seconds.
WORDS = re.compile(
    rf"\b({'|'.join([*MODULES, *CALLS, *READERS, 'load', 'allow_pickle', 'shell'])})\b"
)


def complaints(source: str) -> list[str]:
    """Return what of a source text can run what it reads."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            names = []
        found += [f"imports {name}" for name in names if name.split(".")[0] in MODULES]
        if isinstance(node, ast.Call):
            found += _of_call(node)
    return found


def _of_call(node: ast.Call) -> list[str]:
    options = {one.arg: one.value for one in node.keywords}
    found = []
    for risky in ("allow_pickle", "shell"):
        given = options.get(risky)
        if given is not None and not (isinstance(given, ast.Constant) and given.value is False):
            found.append(f"{risky}={ast.unparse(given)}")
    called = node.func
    if isinstance(called, ast.Name):
        return found + [f"calls {called.id}"] * (called.id in CALLS)
    if not isinstance(called, ast.Attribute):
        return found
    owner = called.value
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    if called.attr == "load" and name in {"np", "numpy"} and "allow_pickle" not in options:
        found.append("np.load without allow_pickle=False")
    if called.attr == "load" and name == "yaml":
        found.append("yaml.load")
    if called.attr in READERS and name not in (READERS[called.attr] or ()):
        found.append(f"calls {name}.{called.attr}")
    return found


def test_nothing_that_is_read_is_run() -> None:
    assert len(SOURCES) > 600
    texts = {str(path): path.read_text() for path in SOURCES}
    found = {path: complaints(text) for path, text in texts.items() if WORDS.search(text)}
    assert len(found) > 10
    assert {path: words for path, words in found.items() if words} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load(f)",
        "np.load(f, allow_pickle=True)",
        "np.load(f, allow_pickle=wish)",
        "yaml.load(text, Loader=yaml.Loader)",
        "yaml.unsafe_load(text)",
        "eval(text)",
        "exec(text)",
        "import torch\ntorch.load(f)",
        "keras.models.load_model(f)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "frame.eval(text)",
    ],
)
def test_the_look_finds_what_it_is_for(source: str) -> None:
    assert WORDS.search(source) and complaints(source)


def test_no_address_in_the_code_is_open_to_others() -> None:
    """Whoever wants others to reach the twin has to say so."""
    opens = {"0.0.0.0", "::", "[::]"}  # noqa: S104
    for path in SOURCES:
        text = path.read_text()
        nodes = ast.walk(ast.parse(text)) if "0.0.0.0" in text or "::" in text else ()  # noqa: S104
        for node in nodes:
            assert not (isinstance(node, ast.Constant) and node.value in opens), path
