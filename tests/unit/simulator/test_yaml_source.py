import pytest

from simulator.language.yaml_source import MAX_BYTES, dotted, dump, parse
from twin.errors import ScenarioError


def refusal(text: str) -> ScenarioError:
    with pytest.raises(ScenarioError) as caught:
        parse(text, "x.yaml")
    assert caught.value.args[0] == "x.yaml"
    return caught.value


def test_every_key_and_item_has_its_line() -> None:
    located = parse("# top\na:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n", "x.yaml")
    assert located.data == {"a": {"b": 1, "c": ["x", {"d": 2}]}}
    assert located.lines == {
        ("a",): 2,
        ("a", "b"): 3,
        ("a", "c"): 4,
        ("a", "c", 0): 5,
        ("a", "c", 1): 6,
        ("a", "c", 1, "d"): 6,
    }
    assert located.line_of(("a", "c", 1, "missing")) == 6
    assert located.line_of(("nowhere",)) == 1


def test_scalars_follow_yaml_1_2() -> None:
    text = "a: [yes, on, 10:30, 2025-09-01, 010, 1e3, .5, 0x1F, 0o17, -3, true, ~, '1', <<]"
    assert parse(text, "x").data["a"] == [
        "yes",
        "on",
        "10:30",
        "2025-09-01",
        10,
        1000.0,
        0.5,
        31,
        15,
        -3,
        True,
        None,
        "1",
        "<<",
    ]
    assert isinstance(parse("a: 1e3", "x").data["a"], float)


def test_a_repeated_key_names_both_lines() -> None:
    error = refusal("a:\n  b: 1\n  c: 2\n  b: 3\n")
    assert error.args[1:3] == (4, "a.b")
    assert "first on line 2" in str(error)


def test_keys_are_their_text() -> None:
    assert parse("1: a\n1.0: b\n", "x").data == {"1": "a", "1.0": "b"}


def test_an_alias_bomb_is_refused_at_its_first_alias() -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"
    error = refusal(bomb)
    assert error.args[1] == 2
    assert "alias" in str(error)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: !!python/object:os.system {}\n", 1, "tag"),
        ("a: 1\nb: !mine 2\n", 2, "!mine"),
        ("a: !!set {x, y}\n", 1, "set"),
        ("a: !!int many\n", 1, "'many'"),
        ("a: " + "1" * 5000, 1, "tag:yaml.org,2002:int"),
        ("a: 1\n---\nb: 2\n", 2, "document"),
        ("- a\n- b\n", 1, "top"),
        ("just text", 1, "top"),
        ("", 1, "top"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "flow sequence"),
        ("a: 1\n? [x]\n: 2\n", 2, "word"),
        ("a: 1\nb: \x07\n", 2, "U+0007"),
        ("a: " + "[" * 100_000, 1, "deep"),
        ("a: 1\n\tb: 2\n", 2, "cannot start any token"),
    ],
)
def test_refusals_name_line_and_cause(text: str, line: int, words: str) -> None:
    error = refusal(text)
    assert error.args[1] == line
    assert words in str(error)


def test_a_large_file_is_refused_before_it_is_read() -> None:
    assert "bytes" in str(refusal("a: " + "x" * MAX_BYTES))
    assert "bytes" in str(refusal("a: " + "é" * (MAX_BYTES // 2)))


def test_a_tag_of_plain_yaml_is_accepted() -> None:
    assert parse("a: !!str 5\nb: !!float 1\n", "x").data == {"a": "5", "b": 1.0}


def test_what_dump_writes_parse_reads_back() -> None:
    data = {
        "text": ["yes", "1e3", "10:30", "true", "null", "0o7", "", "é ü", "a: b", "line\nline"],
        "numbers": [1, -2, 0.1, 1e-7, 1e300, 1e16, 123456789.0],
        "other": [True, False, None, {}, []],
        "twice": [[1], [1]],
    }
    data["again"] = data["twice"]
    assert parse(dump(data), "x").data == data
    assert list(parse(dump(data), "x").data) == list(data)


def test_dotted_paths() -> None:
    assert dotted(("a", 0, "b")) == "a.0.b"
