"""The gallery as a file: what is on it, whether it can be trusted, and whether it stays offline."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_model import patients, tiny_model, tiny_parts

from actors.local import LocalStack
from services.artefacts import ArtefactStore
from services.commands.gallery import gallery
from services.commands.score import score
from services.gallery.lesions import TONES
from twin.acquisition.acquisition import Acquisition
from twin.dermoscopy.recipe import LesionRecipe
from twin.images import SyntheticRef
from twin.imaging import Imaging

DIAGNOSES = ["nevus", "melanoma"]
SHIFTS = ["defocus", "jpeg"]
SEVERITIES = [2, 5]
VOID = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """Figures by section, headings, links and pictures of a page; its tags must nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.section = ""
        self.figures: dict[str, list[str]] = {}
        self.alts: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)
        assert self.open == []

    def all(self) -> list[str]:
        return [one for figures in self.figures.values() for one in figures]

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])
        if tag not in VOID:
            self.open.append(tag)
        if tag == "section":
            self.section = found["id"]
        elif tag == "figure":
            assert found["tabindex"] == "0"  # the keyboard reaches it
            self.figures.setdefault(self.section, []).append("")
        elif tag == "img":
            self.alts.append(found["alt"])
            self.sources.append(found["src"])
        elif tag == "a":
            self.links.append(found["href"])

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if "figure" in self.open:
            self.figures[self.section][-1] += data + " "


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("DERMTWIN_HOME", str(home))
    monkeypatch.delenv("DERMTWIN_DATA", raising=False)
    return home


@pytest.fixture
def with_model(home: Path) -> str:
    ArtefactStore(home).save(tiny_model())
    return tiny_model().model_id


def images_of(root: Path) -> Path:
    """Write a data directory: four nevi of two lesions, two melanomas, one without a diagnosis."""
    rows = ["file,label,split,lesion_id,dx"]
    told = [("a", "nv"), ("a", "nv"), ("b", "nv"), ("b", "nv")]
    told += [("c", "mel"), ("d", "mel"), ("e", "")]
    for number, (case, (lesion, dx)) in enumerate(zip(patients(7, seed=9), told, strict=True)):
        name, label = f"{number}.png", "benign" if dx == "nv" else "malignant"
        Image.fromarray(Imaging().pixels(case.image)).save(root / name)
        rows.append(f"{name},{label},test,{lesion},{dx}")
    for number, label in enumerate(("benign", "malignant")):
        name = f"seen-{number}.png"
        Image.new("RGB", (224, 224), (90 * number, 9, 9)).save(root / name)
        rows.append(f"{name},{label},train,{name},")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    return root


def made(capsys: pytest.CaptureFixture[str], out: Path, **options) -> tuple[Page, dict, str]:
    wanted = {
        "per_class": 1,
        "diagnosis": DIAGNOSES,
        "shift": SHIFTS,
        "severity": SEVERITIES,
        "seed": 3,
        **options,
    }
    gallery(out=out, as_json=True, **wanted)
    printed = capsys.readouterr()
    return Page((out / "gallery.html").read_text()), json.loads(printed.out), printed.err


def test_the_page_holds_every_class_tone_shift_and_severity_asked_for(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, result, _ = made(capsys, tmp_path, per_class=2)
    for diagnosis in DIAGNOSES:
        for tone in TONES:
            shown = [
                one
                for one in page.figures["lesions"]
                if f"truth: {diagnosis}" in one and f"tone {tone} " in one
            ]
            assert len(shown) == 2
    assert len(page.figures["lesions"]) == 2 * 2 * 6
    shifted = page.figures["shifts"]
    assert len(shifted) == 2 * len(SHIFTS) * 3  # a benign and a malignant case; severity 0 too
    for shift in SHIFTS:
        for severity in SEVERITIES:
            assert sum(f"{shift} {severity}, seed" in one for one in shifted) == 2
    assert sum("severity 0" in one for one in shifted) == 2 * len(SHIFTS)
    assert len(page.figures["controls"]) == 3 * (len(LesionRecipe.__dataclass_fields__) - 1)
    assert len(result["pictures"]) == sum(map(len, page.figures.values()))
    assert result["model_id"] == with_model
    assert with_model in (tmp_path / "gallery.html").read_text()


def test_tone_alone_changes_within_a_row_and_darkens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result, _ = made(capsys, tmp_path, model="none")
    row = [one for one in result["pictures"] if one["section"] == "lesions"][: len(TONES)]
    assert [one["tone"] for one in row] == list(TONES)
    angles = [one["recipe"].pop("tone_ita_deg") for one in row]
    assert angles == sorted(angles, reverse=True)
    assert all(one["recipe"] == row[0]["recipe"] for one in row)


def test_scores_are_those_of_the_same_image_alone(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    page, result, _ = made(capsys, tmp_path / "out", data=images_of(data))
    real = [one for one in result["pictures"] if one["origin"] == "real"]
    plain = {one["path"]: one["p_malignant"] for one in real if one["acquisition"] is None}
    score([data / path for path in plain], as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [one["p_malignant"] for one in told["images"]] == list(plain.values())
    verdicts = {one["path"]: one["verdict_malignant"] for one in real if not one["acquisition"]}
    assert [one["malignant"] for one in told["images"]] == list(verdicts.values())

    stack = LocalStack(tiny_parts(), None)
    drawn = [one for one in result["pictures"] if one["origin"] == "rendered"]
    for one in drawn[:: len(drawn) // 7]:
        taken = Acquisition(**one["acquisition"]) if one["acquisition"] else None
        ref = SyntheticRef(recipe=LesionRecipe(**one["recipe"]), acquisition=taken)
        (alone,) = stack.submit([ref]).collect()
        assert alone.p_malignant == one["p_malignant"]
    stack.close()
    for one, figure in zip(result["pictures"], page.all(), strict=True):
        assert f" {one['p_malignant']:.2f} " in figure
        assert ("▲ malignant" if one["verdict_malignant"] else "○ benign") in figure
        if one["malignant"] is not None:
            agrees = one["verdict_malignant"] == one["malignant"]
            assert ("✓" in figure, "✗" in figure) == (agrees, not agrees)


def test_a_shift_is_seen_in_pixels_and_score(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, result, _ = made(capsys, tmp_path, shift=["contrast"], severity=[5])
    plain, hazy = [one for one in result["pictures"] if one["section"] == "shifts"][:2]
    assert (plain["column"], hazy["column"]) == ("severity 0", "severity 5")
    assert plain["p_malignant"] != hazy["p_malignant"]
    at = result["pictures"].index(plain)
    assert page.sources[at] != page.sources[at + 1]


def test_the_same_command_makes_the_same_bytes_and_another_seed_others(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    images_of(data)

    def page(name: str, **options) -> bytes:
        made(capsys, tmp_path / name, data=data, **options)
        return (tmp_path / name / "gallery.html").read_bytes()

    assert page("one") == page("two")
    assert page("one") != page("three", seed=4)


def test_the_page_asks_nobody_and_runs_nothing(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, _, _ = made(capsys, tmp_path)
    html = (tmp_path / "gallery.html").read_text()
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    text = re.sub(r'"data:image[^"]*"', "", html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<iframe", text)
    assert "default-src &#x27;none&#x27;" in html
    assert "prefers-color-scheme: dark" in html
    assert all(page.alts)


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, "Train one with `dermtwin train`"), ({"model": "none"}, "--model none was asked for")],
)
def test_without_a_model_page_and_output_say_so(
    options: dict, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, result, said = made(capsys, tmp_path, **options)
    assert told in said
    assert told in (tmp_path / "gallery.html").read_text()
    assert result["model_id"] is None
    assert {one["p_malignant"] for one in result["pictures"]} == {None}
    assert not any("▲" in one or "○" in one for one in page.all())
    assert page.sources


def test_real_images_stand_among_as_many_rendered_ones_without_giving_themselves_away(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, result, _ = made(capsys, tmp_path / "out", data=images_of(tmp_path), per_class=3)
    shown = [one for one in result["pictures"] if one["section"] == "real"]
    assert {one["grid"] for one in shown} == {"nevus", "melanoma"}
    for diagnosis in DIAGNOSES:
        of = [one for one in shown if one["diagnosis"] == diagnosis]
        real = [one["path"] for one in of if one["origin"] == "real"]
        assert len(real) == len(of) - len(real) == 2  # of two lesions: one image each
        assert (
            len({int(Path(path).stem) // 2 if diagnosis == "nevus" else path for path in real}) == 2
        )
    assert not any("seen" in str(one.get("path")) for one in shown)  # of the training split
    blind = [alt for alt in page.alts if ", picture " in alt]
    assert len(blind) == len(shown)
    assert not any("real" in alt or "rendered" in alt or ".png" in alt for alt in blind)
    assert "the data has no more than 2" in (tmp_path / "out" / "gallery.html").read_text()


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_shown(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images_of(tmp_path)
    (tmp_path / "4.png").write_bytes(b"no image")
    page, result, said = made(capsys, tmp_path / "out", data=tmp_path, per_class=6)
    assert any("4.png" in reason for reason in result["unreadable"])
    assert "not shown" in said
    broken = [one for one in result["pictures"] if one.get("path") == "4.png"]
    assert broken
    assert all(one["p_malignant"] is None and "4.png" in one["error"] for one in broken)
    assert sum("not scored" in one for one in page.all()) == len(broken)
    assert len(page.sources) == len(result["pictures"]) - len(broken)


def test_the_page_tells_how_to_make_it_again(
    with_model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, result, _ = made(capsys, tmp_path)
    command = " ".join(result["command"])
    assert command in (tmp_path / "gallery.html").read_text()
    assert command == (
        "dermtwin gallery --per-class 1 --seed 3 --diagnosis nevus --diagnosis melanoma "
        f"--shift defocus --shift jpeg --severity 2 --severity 5 --model {with_model}"
    )


def test_pictures_are_the_images(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import base64
    import io

    page, result, _ = made(capsys, tmp_path, model="none")
    first = result["pictures"][0]
    pixels = Imaging().pixels(SyntheticRef(recipe=LesionRecipe(**first["recipe"])))
    file = io.BytesIO(base64.b64decode(page.sources[0].partition(",")[2]))
    shown = np.array(Image.open(file))
    assert np.abs(shown.astype(int) - pixels).mean() < 3  # grey levels that JPEG costs
