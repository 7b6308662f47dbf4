"""Downloads from the ISIC archive, against a local server that speaks the same API."""

import csv
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from isic_server import Fault, IsicServer, isic_server

from services.isic import fetch as fetching
from services.isic.fetch import Fetched, Wanted, fetch
from services.isic.patience import Patience
from simulator.cases.datasets import load_images
from twin.errors import DataError, DependencyError, SettingsError

SEARCH = "/api/v2/images/search/"
NEVUS = {"diagnosis_1": "Benign", "diagnosis_3": "Nevus", "sex": "female", "age_approx": 45}
MELANOMA = {"diagnosis_1": "Malignant", "diagnosis_3": "Melanoma Invasive", "lesion_id": "IL_1"}


@pytest.fixture
def server() -> Iterator[IsicServer]:
    """Seven images on three pages: four nevi and three melanomas."""
    with isic_server(page=3) as running:
        for number in range(7):
            running.add(number, MELANOMA if number % 2 else NEVUS)
        yield running


def run(
    server: IsicServer, root: Path, progress: Any = lambda *_: None, tries: int = 3, **wanted: Any
) -> Fetched:
    patience = Patience(tries=tries, first_s=0.001, most_s=0.002)
    return fetch(root, Wanted(api=server.api, **wanted), patience, progress)


def rows(table: Path) -> dict[str, dict[str, str]]:
    with table.open(newline="") as file:
        return {row["isic_id"]: row for row in csv.DictReader(file)}


def path_of(number: int) -> str:
    return f"/files/ISIC_{number:07d}.jpg"


def file_of(root: Path, number: int) -> Path:
    return root / f"images/ISIC_{number:07d}.jpg"


def complete(server: IsicServer, root: Path) -> bool:
    """Whether every file is here as the server has it, and nothing else is."""
    have = {file.name: file.read_bytes() for file in (root / "images").iterdir()}
    wanted = {
        path.rsplit("/", 1)[-1]: content
        for path, content in server.content.items()
        if path.startswith("/files")
    }
    return have == wanted


def test_all_pages_are_fetched_and_can_be_loaded(server: IsicServer, tmp_path: Path) -> None:
    found = run(server, tmp_path)
    assert (found.listed, found.new, found.kept, found.failed) == (7, 7, 0, {})
    assert found.labels == {"benign": 4, "malignant": 3}
    assert found.new_bytes == sum(len(server.content[path_of(n)]) for n in range(7))
    assert complete(server, tmp_path)
    images = load_images(tmp_path, verify=True)
    assert [image.malignant for image in images] == [bool(n % 2) for n in range(7)]
    assert (images[0].diagnosis, images[0].sex, images[0].age) == ("nevus", "female", 45)
    assert (images[1].diagnosis, images[1].group) == ("melanoma", "IL_1")
    assert images[1].group == images[3].group != images[0].group


def test_the_manifest_holds_checksums_licences_and_attributions(
    server: IsicServer, tmp_path: Path
) -> None:
    server.add(8, NEVUS, copyright_license="CC-BY-NC", attribution='Somebody "else", Ω')
    found = run(server, tmp_path)
    assert found.licences == {"CC-BY": 7, "CC-BY-NC": 1}
    row = rows(tmp_path / "manifest.csv")["ISIC_0000008"]
    content = file_of(tmp_path, 8).read_bytes()
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert row["bytes"] == str(len(content))
    assert (row["copyright_license"], row["attribution"]) == ("CC-BY-NC", 'Somebody "else", Ω')
    credit = rows(tmp_path / "ATTRIBUTION.csv")["ISIC_0000008"]
    assert credit["file"] == "images/ISIC_0000008.jpg"
    assert (credit["copyright_license"], credit["attribution"]) == (
        "CC-BY-NC",
        'Somebody "else", Ω',
    )
    licences = (tmp_path / "LICENCES.txt").read_text()
    assert "CC-BY (7 images)" in licences
    assert "CC-BY-NC (1 images)" in licences
    assert "not for commercial purposes" in licences


def test_the_archive_is_asked_politely(server: IsicServer, tmp_path: Path) -> None:
    run(server, tmp_path, query="sex:male", collections="61,70")
    first = server.requests[0]
    assert first.query == {"limit": "100", "query": "sex:male", "collections": "61,70"}
    pages = [one for one in server.requests if one.path == SEARCH]
    assert len(pages) == 3
    assert all(page.query["query"] == "sex:male" for page in pages)
    assert all(one.headers["User-Agent"].startswith("dermtwin/") for one in server.requests)


def test_a_second_run_fetches_no_file_again(server: IsicServer, tmp_path: Path) -> None:
    run(server, tmp_path)
    before = (tmp_path / "manifest.csv").read_text()
    server.requests.clear()
    found = run(server, tmp_path)
    assert (found.new, found.kept, server.file_requests()) == (0, 7, [])
    assert (tmp_path / "manifest.csv").read_text() == before


def test_images_of_another_query_are_added(server: IsicServer, tmp_path: Path) -> None:
    run(server, tmp_path)
    server.images.clear()
    server.add(20, MELANOMA)
    found = run(server, tmp_path)
    assert (found.listed, found.new) == (1, 1)
    assert len(load_images(tmp_path)) == 8
    assert len(rows(tmp_path / "metadata.csv")) == 8


def test_a_transfer_that_breaks_off_goes_on_where_it_was(
    server: IsicServer, tmp_path: Path
) -> None:
    server.faults[path_of(2)] = [Fault(cut=20_000), Fault(cut=10_000)]
    found = run(server, tmp_path)
    assert (found.failed, complete(server, tmp_path)) == ({}, True)
    asked = [one.headers.get("Range") for one in server.requests if one.path == path_of(2)]
    assert asked == [None, "bytes=16384-", "bytes=24576-"]  # what came in whole chunks is kept


def test_a_later_run_goes_on_with_what_is_there(server: IsicServer, tmp_path: Path) -> None:
    server.faults[path_of(2)] = [Fault(cut=20_000)]
    found = run(server, tmp_path, tries=1)
    assert set(found.failed) == {"ISIC_0000002"}
    assert "ISIC_0000002" not in rows(tmp_path / "manifest.csv")
    assert not file_of(tmp_path, 2).exists()
    server.requests.clear()
    found = run(server, tmp_path)
    assert (found.new, found.kept, complete(server, tmp_path)) == (1, 6, True)
    (asked,) = server.file_requests()
    assert asked.headers["Range"] == "bytes=16384-"


def test_a_server_that_knows_no_ranges_sends_all_again(server: IsicServer, tmp_path: Path) -> None:
    server.faults[path_of(2)] = [Fault(cut=20_000), Fault(ranges=False)]
    assert run(server, tmp_path).failed == {}
    assert complete(server, tmp_path)


def test_a_part_that_is_too_long_is_thrown_away(server: IsicServer, tmp_path: Path) -> None:
    part = tmp_path / "images/ISIC_0000002.jpg.part"
    part.parent.mkdir()
    part.write_bytes(b"x" * 100_000)
    assert run(server, tmp_path).failed == {}
    assert complete(server, tmp_path)


def test_a_file_longer_than_announced_is_not_taken(server: IsicServer, tmp_path: Path) -> None:
    server.always[path_of(2)] = Fault(more=b"more")
    found = run(server, tmp_path)
    size = len(server.content[path_of(2)])
    assert f"more than {size} bytes came (3 tries)" in found.failed["ISIC_0000002"]
    assert "Signature" not in found.failed["ISIC_0000002"]
    assert not file_of(tmp_path, 2).exists()
    assert found.new == 6


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + b"!"])
def test_a_damaged_file_is_fetched_anew_and_named(
    server: IsicServer, tmp_path: Path, damage: Any
) -> None:
    run(server, tmp_path)
    file = file_of(tmp_path, 3)
    file.write_bytes(damage(file.read_bytes()))
    found = run(server, tmp_path)
    assert (found.repaired, found.new, found.kept) == (["ISIC_0000003"], 1, 6)
    assert complete(server, tmp_path)


def test_a_damaged_file_that_is_gone_from_the_archive_is_struck_out(
    server: IsicServer, tmp_path: Path
) -> None:
    run(server, tmp_path)
    file_of(tmp_path, 3).write_bytes(b"damaged")
    server.always[path_of(3)] = Fault(status=404)
    assert set(run(server, tmp_path).failed) == {"ISIC_0000003"}
    assert len(load_images(tmp_path, verify=True)) == 6


def test_a_missing_file_is_fetched_again(server: IsicServer, tmp_path: Path) -> None:
    run(server, tmp_path)
    file_of(tmp_path, 3).unlink()
    assert run(server, tmp_path).new == 1
    assert complete(server, tmp_path)


def test_files_of_a_run_that_was_killed_are_entered(server: IsicServer, tmp_path: Path) -> None:
    run(server, tmp_path)
    (tmp_path / "manifest.csv").unlink()
    assert run(server, tmp_path).kept == 7
    assert len(load_images(tmp_path, verify=True)) == 7


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: IsicServer, tmp_path: Path, status: int) -> None:
    busy = Fault(status=status, headers={"Retry-After": "0"})
    server.faults = {SEARCH: [busy, busy], path_of(1): [busy], path_of(6): [busy, busy]}
    assert run(server, tmp_path).failed == {}
    assert complete(server, tmp_path)


def test_patience_ends(server: IsicServer, tmp_path: Path) -> None:
    server.always[SEARCH] = Fault(status=503)
    with pytest.raises(DependencyError, match=r"images/search/: HTTP 503 \(3 tries\)"):
        run(server, tmp_path)
    assert len(server.requests) == 3
    assert not (tmp_path / "manifest.csv").exists()


def test_what_came_before_the_archive_went_away_is_kept(
    server: IsicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page_once(*_: object) -> None:
        server.always[SEARCH] = Fault(status=503)

    monkeypatch.setattr(fetching, "_AHEAD", 1)
    with pytest.raises(DependencyError):
        run(server, tmp_path, page_once, parallel=1)
    kept = rows(tmp_path / "manifest.csv")
    assert kept
    assert all((tmp_path / row["file"]).is_file() for row in kept.values())
    server.always.clear()
    assert run(server, tmp_path).kept == len(kept)
    assert complete(server, tmp_path)


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with isic_server() as gone:
        pass
    with pytest.raises(DependencyError, match=r"no connection, or it broke off \(3 tries\)"):
        run(gone, tmp_path)


def test_an_answer_that_is_no_json_is_told(server: IsicServer, tmp_path: Path) -> None:
    server.always[SEARCH] = Fault(status=200, body=b"<html>log in</html>")
    with pytest.raises(DependencyError, match="the answer is no JSON"):
        run(server, tmp_path)
    server.always[SEARCH] = Fault(status=200, body=b'{"images": []}')
    with pytest.raises(DependencyError, match="no page of results"):
        run(server, tmp_path)


def test_one_image_that_is_gone_is_listed_and_the_others_come(
    server: IsicServer, tmp_path: Path
) -> None:
    server.always[path_of(4)] = Fault(status=404, body=b"no such\nkey")
    found = run(server, tmp_path)
    assert found.new == 6
    (reason,) = found.failed.values()
    assert reason.endswith(f"{path_of(4)}: HTTP 404: no such key")
    assert "Signature" not in reason
    assert [one.path for one in server.requests].count(path_of(4)) == 1
    assert len(load_images(tmp_path, verify=True)) == 6


def test_a_dead_line_ends_it(
    server: IsicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "_LOST", 4)
    for number in range(7):
        server.always[path_of(number)] = Fault(status=503)
    with pytest.raises(DependencyError, match=r"4 images in a row .* HTTP 503 \(2 tries\)"):
        run(server, tmp_path, tries=2)


def test_an_expired_link_is_asked_for_anew(server: IsicServer, tmp_path: Path) -> None:
    server.expired.add("first")
    assert run(server, tmp_path).failed == {}
    assert complete(server, tmp_path)
    assert [one.path for one in server.requests].count("/api/v2/images/ISIC_0000004/") == 1


def test_images_without_a_label_are_counted_and_not_fetched(
    server: IsicServer, tmp_path: Path
) -> None:
    server.add(10, {"diagnosis_1": "Indeterminate", "diagnosis_3": "Atypical Spitz tumor"})
    server.add(11, {})
    server.add(12, {"benign_malignant": "indeterminate/benign"})
    server.add(13, {"benign_malignant": "malignant", "diagnosis": "basal cell carcinoma"})
    found = run(server, tmp_path)
    assert found.unlabelled == {
        "called indeterminate": 1,
        "neither benign nor malignant is said of it": 1,
        "called indeterminate/benign": 1,
    }
    assert (found.listed, found.new) == (11, 8)
    assert not file_of(tmp_path, 10).exists()
    assert rows(tmp_path / "metadata.csv")["ISIC_0000010"]["diagnosis_3"] == "Atypical Spitz tumor"
    assert rows(tmp_path / "manifest.csv")["ISIC_0000013"]["dx"] == "basal_cell_carcinoma"


def test_images_of_another_kind_are_counted(server: IsicServer, tmp_path: Path) -> None:
    server.add(10, NEVUS, metadata={"acquisition": {"image_type": "overview"}, "clinical": NEVUS})
    assert run(server, tmp_path).other_types == 1


def test_patient_and_skin_type_are_kept(server: IsicServer, tmp_path: Path) -> None:
    server.add(10, {**NEVUS, "patient_id": "IP_7", "fitzpatrick_skin_type": "IV"})
    run(server, tmp_path)
    assert rows(tmp_path / "manifest.csv")["ISIC_0000010"]["patient_id"] == "IP_7"
    assert load_images(tmp_path)[-1].skin_tone == "IV"


@pytest.mark.parametrize("isic_id", ["../../evil", "ISIC_1/../../evil", "", None, 7])
def test_an_entry_that_is_no_image_is_listed_and_the_others_come(
    server: IsicServer, tmp_path: Path, isic_id: object
) -> None:
    server.images["ISIC_0000002"]["isic_id"] = isic_id
    root = tmp_path / "below/below"
    found = run(server, root)
    assert (found.new, len(found.failed)) == (6, 1)
    assert "isic_id" in next(iter(found.failed.values()))
    assert list(tmp_path.rglob("*evil*")) == []


def test_an_image_that_stands_on_two_pages_is_one(server: IsicServer, tmp_path: Path) -> None:
    server.images["again"] = {"isic_id": "ISIC_0000001"}
    server.content["/files/again.jpg"] = server.content["/thumbnails/again.jpg"] = b""
    found = run(server, tmp_path)
    assert (found.listed, found.new) == (7, 7)


def test_a_limit_limits(server: IsicServer, tmp_path: Path) -> None:
    found = run(server, tmp_path, limit=2)
    assert (found.new, len(server.file_requests())) == (2, 2)


def test_thumbnails_are_smaller_and_never_mixed_with_full_images(
    server: IsicServer, tmp_path: Path
) -> None:
    run(server, tmp_path, thumbnails=True)
    assert file_of(tmp_path, 1).stat().st_size == 40
    with pytest.raises(DataError, match=r"manifest.csv: holds images of the size thumbnail_256"):
        run(server, tmp_path)


def test_another_data_set_is_not_written_over(server: IsicServer, tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("file,label\na.jpg,benign\n")
    with pytest.raises(DataError, match="was not written by data fetch-isic"):
        run(server, tmp_path)
    assert server.requests == []


def test_a_place_that_cannot_be_written_to_is_named(server: IsicServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written to"):
        run(server, tmp_path / "file")


def test_a_full_disk_ends_it(
    server: IsicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "images/x"))

    monkeypatch.setattr(fetching, "fetch_file", full)
    with pytest.raises(DataError, match="images/x: No space left on device"):
        run(server, tmp_path)


@pytest.mark.parametrize(("query", "name"), [("a:(", "--query"), ("", "--collection")])
def test_a_query_that_the_archive_does_not_understand_is_the_users(
    server: IsicServer, tmp_path: Path, query: str, name: str
) -> None:
    server.always[SEARCH] = Fault(status=400, body=b'{"message": "Couldn\'t parse"}')
    with pytest.raises(SettingsError, match="Couldn't parse") as caught:
        run(server, tmp_path, query=query, collections="x")
    assert caught.value.args[0] == name


def test_after_ctrl_c_all_is_in_order_and_the_next_run_goes_on(
    server: IsicServer, tmp_path: Path
) -> None:
    def interrupt(_: str, done: int, __: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    found = run(server, tmp_path, interrupt, parallel=1)
    assert found.stopped
    kept = rows(tmp_path / "manifest.csv")
    assert 2 <= len(kept) < 7
    assert all(
        hashlib.sha256((tmp_path / row["file"]).read_bytes()).hexdigest() == row["sha256"]
        for row in kept.values()
    )
    assert not [one.name for one in threading.enumerate() if one.name.startswith("isic")]
    found = run(server, tmp_path)
    assert (found.stopped, found.kept) == (False, len(kept))
    assert complete(server, tmp_path)


def test_tables_are_saved_on_the_way(
    server: IsicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def look(*_: object) -> None:
        table = tmp_path / "manifest.csv"
        seen.append(len(rows(table)) if table.is_file() else 0)

    monkeypatch.setattr(fetching, "_SAVE_EVERY_S", 0)
    monkeypatch.setattr(fetching, "_SAVE_EVERY", 0)
    run(server, tmp_path, look, parallel=1)
    assert seen == list(range(7))  # each time, all that had been entered before is there


def test_progress_counts_images(server: IsicServer, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run(server, tmp_path, lambda *step: told.append(step))
    assert told[-1] == ("images", 7, 7)
    assert [done for _, done, _ in told] == list(range(1, 8))
