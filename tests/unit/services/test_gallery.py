"""The gallery as a file: what is on it, whether it can be trusted, and whether it stays offline."""

import base64
import contextlib
import io
import json
import re
import shutil
from dataclasses import dataclass
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
from services.image_store import FileReader
from twin.acquisition.acquisition import Acquisition
from twin.dermoscopy.recipe import LesionRecipe
from twin.errors import SettingsError
from twin.images import FileRef, SyntheticRef
from twin.imaging import Imaging

DIAGNOSES = ["nevus", "melanoma"]
SHIFTS = ["defocus", "jpeg"]
SEVERITIES = [2, 5]
VOID = {"meta", "img", "input", "br"}


class Page(HTMLParser):
    """Figures by section, links and pictures of a page; its tags must nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, bool]] = []  # tag, and whether it is marked as an origin
        self.section = ""
        self.shown: dict[str, list[str]] = {}  # text of each figure that is always seen
        self.hidden: dict[str, list[str]] = {}  # and of what is marked as telling its origin
        self.alts: list[str] = []
        self.sources: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)
        assert self.open == []

    @property
    def figures(self) -> dict[str, list[str]]:
        return {
            section: [a + b for a, b in zip(shown, self.hidden[section], strict=True)]
            for section, shown in self.shown.items()
        }

    def all(self) -> list[str]:
        return [one for figures in self.figures.values() for one in figures]

    def handle_starttag(self, tag, attrs) -> None:
        found = dict(attrs)
        if "id" in found:
            assert found["id"] not in self.ids
            self.ids.add(found["id"])
        if tag not in VOID:
            self.open.append((tag, "origin" in found.get("class", "").split()))
        if tag == "section":
            self.section = found["id"]
        elif tag == "figure":
            assert found["tabindex"] == "0"  # the keyboard reaches it
            self.shown.setdefault(self.section, []).append("")
            self.hidden.setdefault(self.section, []).append("")
        elif tag == "img":
            self.alts.append(found["alt"])
            self.sources.append(found["src"])
        elif tag == "a":
            self.links.append(found["href"])

    def handle_endtag(self, tag) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data) -> None:
        if any(tag == "figure" for tag, _ in self.open):
            text = self.hidden if any(marked for _, marked in self.open) else self.shown
            text[self.section][-1] += data + " "


@dataclass
class Made:
    html: str
    page: Page
    result: dict
    said: str

    def of(self, section: str) -> list[dict]:
        return [one for one in self.result["pictures"] if one["section"] == section]


def make(home: Path, out: Path, **options) -> Made:
    """Run the command as a user whose environment names `home` and no data."""
    wanted = {"per_class": 3, "diagnosis": DIAGNOSES, "shift": SHIFTS, "severity": SEVERITIES}
    printed, said = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERMTWIN_HOME", str(home))
        patch.delenv("DERMTWIN_DATA", raising=False)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            gallery(out=out, as_json=True, **{**wanted, "seed": 3, **options})
    html = (out / "gallery.html").read_text(encoding="utf-8")
    return Made(html, Page(html), json.loads(printed.getvalue()), " ".join(said.getvalue().split()))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    return home


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four nevi of two lesions, two melanomas, one without a diagnosis; two to train on."""
    root = tmp_path_factory.mktemp("data")
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


@pytest.fixture(scope="module")
def made(home: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(home, tmp_path_factory.mktemp("gallery"), data=data)


def test_the_page_holds_every_class_tone_shift_and_severity_asked_for(made: Made) -> None:
    figures = made.page.figures
    for diagnosis in DIAGNOSES:
        for tone in TONES:
            shown = [
                one
                for one in figures["lesions"]
                if f"truth: {diagnosis}" in one and f"tone {tone} " in one
            ]
            assert len(shown) == 3
    assert len(figures["lesions"]) == 2 * 3 * 6
    shifted = figures["shifts"]
    assert len(shifted) == 2 * len(SHIFTS) * 3  # a benign and a malignant case; severity 0 too
    for shift in SHIFTS:
        for severity in SEVERITIES:
            assert sum(f"{shift} {severity}, seed" in one for one in shifted) == 2
    assert sum("severity 0" in one for one in shifted) == 2 * len(SHIFTS)
    assert len(figures["controls"]) == 3 * (len(LesionRecipe.__dataclass_fields__) - 1)
    assert len(made.result["pictures"]) == len(made.page.all())
    assert made.result["model_id"] == tiny_model().model_id
    assert tiny_model().model_id in made.html


def test_tone_alone_changes_within_a_row_and_darkens(made: Made) -> None:
    row = made.of("lesions")[: len(TONES)]
    assert [one["tone"] for one in row] == list(TONES)
    angles = [one["recipe"]["tone_ita_deg"] for one in row]
    assert angles == sorted(angles, reverse=True)
    rest = [{**one["recipe"], "tone_ita_deg": 0} for one in row]
    assert all(one == rest[0] for one in rest)


def test_scores_are_those_of_the_same_image_alone(made: Made, home: Path, data: Path) -> None:
    real = [one for one in made.of("real") if one["origin"] == "real"]
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setenv("DERMTWIN_HOME", str(home))
        score([data / one["path"] for one in real], as_json=True)
    told = json.loads(printed.getvalue())["images"]
    assert [one["p_malignant"] for one in told] == [one["p_malignant"] for one in real]
    assert [one["log_odds"] for one in told] == [one["log_odds"] for one in real]
    assert [one["malignant"] for one in told] == [one["verdict_malignant"] for one in real]

    stack = LocalStack(tiny_parts(), FileReader(data))
    pictures = made.result["pictures"]
    for one in pictures[:: len(pictures) // 12]:
        taken = Acquisition(**one["acquisition"]) if one["acquisition"] else None
        ref = (
            SyntheticRef(recipe=LesionRecipe(**one["recipe"]), acquisition=taken)
            if "recipe" in one
            else FileRef(path=one["path"], sha256=one["sha256"], acquisition=taken)
        )
        (alone,) = stack.submit([ref]).collect()
        assert (alone.p_malignant, alone.log_odds) == (one["p_malignant"], one["log_odds"])
    stack.close()


def test_score_verdict_and_whether_it_is_right_stand_below_each_picture(made: Made) -> None:
    for one, figure in zip(made.result["pictures"], made.page.all(), strict=True):
        assert f" {one['p_malignant']:.2f} " in figure
        assert ("▲ malignant" if one["verdict_malignant"] else "○ benign") in figure
        if one["malignant"] is None:
            assert "truth" not in figure
        else:
            agrees = one["verdict_malignant"] == one["malignant"]
            assert ("✓" in figure, "✗" in figure) == (agrees, not agrees)


def test_a_shift_is_seen_in_pixels_and_score(made: Made) -> None:
    plain, mild, strong = made.of("shifts")[:3]
    assert [one["column"] for one in (plain, mild, strong)] == [
        "severity 0",
        "severity 2",
        "severity 5",
    ]
    assert plain["log_odds"] != strong["log_odds"]
    at = made.result["pictures"].index(plain)
    assert len(set(made.page.sources[at : at + 3])) == 3


def test_the_same_command_makes_the_same_bytes(
    made: Made, home: Path, data: Path, tmp_path: Path
) -> None:
    assert make(home, tmp_path, data=data).html == made.html


def test_the_page_asks_nobody_and_runs_nothing(made: Made) -> None:
    page = made.page
    assert all(source.startswith("data:image/jpeg;base64,") for source in page.sources)
    assert all(link.startswith("#") and link[1:] in page.ids for link in page.links)
    text = re.sub(r'"data:image[^"]*"', "", made.html)
    assert not re.search(r"https?:|//[a-z]|url\(|@import|<script|<link|<iframe", text)
    assert "default-src &#x27;none&#x27;" in text
    assert "prefers-color-scheme: dark" in text
    assert all(page.alts)


@pytest.mark.parametrize(
    ("options", "told"),
    [({}, "Train one with `dermtwin train`"), ({"model": "none"}, "--model none was asked for")],
)
def test_without_a_model_page_and_output_say_so(options: dict, told: str, tmp_path: Path) -> None:
    bare = make(tmp_path / "empty-home", tmp_path, per_class=1, **options)
    assert told in bare.said
    assert told in bare.html
    assert bare.result["model_id"] is None
    assert {one["p_malignant"] for one in bare.result["pictures"]} == {None}
    assert not any("▲" in one or "○" in one for one in bare.page.all())
    assert len(bare.page.sources) == len(bare.result["pictures"])
    assert "No real images" in bare.html


def test_real_images_stand_among_as_many_rendered_ones(made: Made) -> None:
    shown = made.of("real")
    assert {one["grid"] for one in shown} == {"nevus", "melanoma"}
    for diagnosis, lesions in (("nevus", ["01", "23"]), ("melanoma", ["4", "5"])):
        of = [one for one in shown if one["diagnosis"] == diagnosis]
        real = [Path(one["path"]).stem for one in of if one["origin"] == "real"]
        assert len(of) == 4
        for lesion in lesions:  # one image of each; the training split is not shown
            assert sum(name in lesion for name in real) == 1
    assert "the data has no more than 2" in made.html


def test_a_real_image_does_not_give_itself_away(made: Made) -> None:
    blind = [alt for alt in made.page.alts if ", picture " in alt]
    assert len(blind) == len(made.of("real"))
    assert not any("real" in alt or "rendered" in alt or ".png" in alt for alt in blind)
    for figure in made.page.hidden["real"]:  # whatever tells is marked, so that the page hides it
        assert "real" in figure or "rendered" in figure
    for open_, hidden in zip(made.page.shown["real"], made.page.hidden["real"], strict=True):
        assert "real" not in open_ and "rendered" not in open_ and ".png" not in open_
        assert "Recipe" in hidden or ".png" in hidden


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_shown(
    home: Path, data: Path, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "data")
    (tmp_path / "data" / "4.png").write_bytes(b"no image")
    broken = make(home, tmp_path / "out", data=tmp_path / "data", per_class=2)
    assert any("4.png" in reason for reason in broken.result["unreadable"])
    assert "not shown" in broken.said
    without = [one for one in broken.result["pictures"] if one.get("path") == "4.png"]
    assert without
    assert all(one["p_malignant"] is None and "4.png" in one["error"] for one in without)
    assert sum("not scored" in one for one in broken.page.all()) == len(without)
    assert len(broken.page.sources) == len(broken.result["pictures"]) - len(without)


def test_bad_rows_are_an_error_or_left_out_and_listed(
    home: Path, data: Path, tmp_path: Path
) -> None:
    shutil.copytree(data, tmp_path / "data")
    with (tmp_path / "data" / "manifest.csv").open("a") as rows:
        rows.write("absent.png,benign,test,z,nv\n")
    options = {"data": tmp_path / "data", "model": "none", "per_class": 1}
    with pytest.raises(SettingsError, match=r"--data=.*absent\.png"):
        make(home, tmp_path / "out", **options)
    without = make(home, tmp_path / "out", skip_bad=True, **options)
    assert [row["file"] for row in without.result["skipped"]] == ["absent.png"]
    assert "absent.png" in without.said
    assert "1 bad rows left out" in without.html
    assert without.result["command"][-1] == "--skip-bad"


def test_the_page_tells_how_to_make_it_again(made: Made, data: Path) -> None:
    command = " ".join(made.result["command"])
    assert command in made.html
    assert command == (
        "dermtwin gallery --per-class 3 --seed 3 --diagnosis nevus --diagnosis melanoma "
        f"--shift defocus --shift jpeg --severity 2 --severity 5 --model {tiny_model().model_id} "
        f"--data {data}"
    )


def test_pictures_are_the_images(made: Made) -> None:
    first = made.result["pictures"][0]
    pixels = Imaging().pixels(SyntheticRef(recipe=LesionRecipe(**first["recipe"])))
    file = io.BytesIO(base64.b64decode(made.page.sources[0].partition(",")[2]))
    shown = np.array(Image.open(file))
    assert np.abs(shown.astype(int) - pixels).mean() < 3  # grey levels that JPEG costs
