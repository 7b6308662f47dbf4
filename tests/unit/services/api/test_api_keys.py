"""`dermtwin keys`, and the file that keys are kept in."""

import hashlib
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from services import console
from services.api.security.access import Scope
from services.api.security.key_book import KeyBook, KeyRefusedError
from services.api.security.keys import FILE_NAME, create_key, read_keys, revoke_key
from services.cli import app
from twin.errors import DataError, SettingsError

READ = frozenset({Scope.READ})


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("services.cli.claim_standard_output", lambda: None)
    monkeypatch.setattr(console, "_results", None)
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path / "home" / FILE_NAME


def parsed(*words: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["keys", *words, "--json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_key_is_made_listed_and_revoked(file: Path) -> None:
    made = parsed("create", "dashboard", "--scope", "read", "--scope", "submit", "--days", "30")
    assert made["scopes"] == ["read", "submit"]
    principal = KeyBook(file).principal(made["key"])
    assert (principal.id, principal.name, principal.via) == (made["id"], "dashboard", "key")
    assert principal.scopes == {Scope.READ, Scope.SUBMIT}
    (row,) = parsed("list")["keys"]
    assert (row["id"], row["state"]) == (made["id"], "valid")
    assert parsed("revoke", made["id"])["state"] == "revoked"
    with pytest.raises(KeyRefusedError, match="is revoked"):
        KeyBook(file).principal(made["key"])


def test_people_see_the_key_in_one_piece() -> None:
    result = CliRunner().invoke(app, ["keys", "create", "[b]me", "--scope", "read"])
    assert any(word.startswith("dt_") and len(word) > 50 for word in result.stdout.split())
    assert "[b]me" in CliRunner().invoke(app, ["keys", "list"]).stdout


def test_the_file_is_its_owners_and_holds_no_secret(file: Path) -> None:
    made = parsed("create", "x", "--scope", "read")
    secret = made["key"].split("_", 2)[2]
    assert file.stat().st_mode & 0o777 == 0o600
    assert secret not in file.read_text()
    assert hashlib.sha256(secret.encode()).hexdigest() in file.read_text()
    assert len(secret) >= 43  # 256 bits in base64


def test_what_is_no_key_is_not_made(file: Path) -> None:
    for words in (
        ("x", "--scope", "everything"),
        ("", "--scope", "read"),
        ("a\nb", "--scope", "read"),
    ):
        error = CliRunner().invoke(app, ["keys", "create", *words]).exception
        assert isinstance(error, SettingsError), words
    with pytest.raises(SettingsError, match="a key needs one of read, submit, operate"):
        create_key(file, "x", frozenset(), 1)
    with pytest.raises(SettingsError, match="no such key"):
        revoke_key(file, "00000000")
    assert not read_keys(file)


def test_expiry_and_secrets_are_checked(file: Path) -> None:
    now_unix_s = 1_000.0
    key, text = create_key(file, "x", READ, 1, now_unix_s)
    book = KeyBook(file, clock=lambda: now_unix_s)
    assert book.principal(text).id == key.id
    now_unix_s += 86_400
    with pytest.raises(KeyRefusedError, match="is expired"):
        book.principal(text)
    # Who does not know the secret is not told that the key has expired.
    with pytest.raises(KeyRefusedError, match="is not known"):
        book.principal(f"dt_{key.id}_guess")


def test_an_unknown_id_is_compared_like_a_known_one(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, text = create_key(file, "x", READ, 1)
    compared = []

    def compare(a: str, b: str) -> bool:
        compared.append((len(a), len(b)))
        return a == b

    monkeypatch.setattr("services.api.security.keys.hmac.compare_digest", compare)
    book = KeyBook(file)
    book.principal(text)
    with pytest.raises(KeyRefusedError):
        book.principal("dt_ffffffff_guess")
    with pytest.raises(KeyRefusedError):
        book.principal("dt_00000000_guess")
    assert compared == [(64, 64)] * 3


def test_keys_made_at_once_are_all_kept(file: Path) -> None:
    threads = [threading.Thread(target=create_key, args=(file, str(i), READ, 1)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {key.name for key in read_keys(file).values()} == set("01234567")


def test_a_revoked_key_stays_revoked_since_then(file: Path) -> None:
    key, _ = create_key(file, "x", READ, 1)
    assert revoke_key(file, key.id, 5.0).revoked_unix_s == 5.0
    assert revoke_key(file, key.id, 9.0).revoked_unix_s == 5.0


def test_another_file_is_no_file_of_keys(file: Path) -> None:
    file.parent.mkdir()
    file.write_text('{"keys": [{"id": "x"}]}')
    with pytest.raises(DataError, match="is no file of keys"):
        create_key(file, "x", READ, 1)
    assert file.read_text() == '{"keys": [{"id": "x"}]}'
