"""`dermtwin explain` as a user has it: the page, the files beside it, and the JSON."""

import contextlib
import hashlib
import html
import io
import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from tiny_model import patients, tiny_model

from services.artefacts import ArtefactStore
from services.commands.explain import explain
from services.commands.score import score
from services.explaining.colours import coloured, css_gradient, ramp
from services.explaining.overlay import overlay
from services.explaining.training_images import training_images
from twin.arrays import unpack
from twin.errors import SettingsError
from twin.explain.maps import scaled
from twin.explain.methods import METHODS
from twin.imaging import Imaging
from twin.model import training_cases_of

QUICK = ["grad-cam", "saliency"]


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


@dataclass
class Made:
    out: Path
    html: str  # of the page
    result: dict
    said: str


def run(home: Path, command, *images: Path, code: int = 0, **options) -> tuple[dict, str]:
    """Run a command as a user whose environment names `home` and no data."""
    printed, said = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERMTWIN_HOME", str(home))
        patch.delenv("DERMTWIN_DATA", raising=False)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            ended = pytest.raises(typer.Exit) if code else contextlib.nullcontext()
            with ended:
                command(list(images), as_json=True, **options)
    return json.loads(printed.getvalue()), " ".join(said.getvalue().split())


def make(home: Path, out: Path, *images: Path, code: int = 0, **options) -> Made:
    result, said = run(home, explain, *images, code=code, out=out, **options)
    return Made(out, (out / "explanations.html").read_text(encoding="utf-8"), result, said)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    ArtefactStore(home).save(tiny_model())
    return home


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Images that the model learned from, as somebody may have them: under other names."""
    root = tmp_path_factory.mktemp("learned")
    for place, patient in enumerate(patients(200)):
        label = "malignant" if patient.malignant else "benign"
        (root / label).mkdir(exist_ok=True)
        file = root / label / f"image-{place:03d}.png"
        Image.fromarray(Imaging().pixels(patient.image)).save(file, compress_level=1)
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """An image with a hostile name, one that is none, and one that the model learned from."""
    root = tmp_path_factory.mktemp("images")
    (new,) = patients(1, seed=8)
    first = root / "a <mole> & more.png"
    Image.fromarray(Imaging().pixels(new.image)).save(first)
    (root / "broken.jpg").write_bytes(b"none")
    Image.fromarray(Imaging().pixels(patients(200)[3].image)).save(root / "known.png")
    return [first, root / "broken.jpg", root / "known.png"]


@pytest.fixture(scope="module")
def made(home: Path, files, learned: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("out") / "explained"
    return make(home, out, *files, method=QUICK, data=learned)


def test_the_verdict_is_that_of_score_and_contributions_sum_to_it(made: Made, home, files) -> None:
    scored, _ = run(home, score, *files)
    for one, other in zip(made.result["images"], scored["images"], strict=True):
        assert one["image"] == other["image"]
        assert one.get("p_malignant") == other.get("p_malignant")
        assert one.get("malignant") == other.get("malignant")
        if "error" in one:
            continue
        total = one["intercept"] + sum(part["nats"] for part in one["contributions"])
        assert total == pytest.approx(one["log_odds"], abs=1e-6)
        assert 1 / (1 + np.exp(-total)) == pytest.approx(one["p_malignant"], abs=1e-6)
        votes = {part["name"]: part["vote"] for part in one["contributions"]}
        assert votes == other["log_odds"]


def test_an_image_that_cannot_be_read_is_listed_and_the_others_are_explained(made: Made) -> None:
    first, broken, known = made.result["images"]
    assert "not an image" in broken["error"]
    assert "maps" in first and "maps" in known
    assert "not explained" in made.said
    assert "Not explained" in made.html
    assert not list(made.out.glob("02-*"))


def test_without_any_image_to_explain_the_exit_code_says_so(home, files, tmp_path: Path) -> None:
    made = make(home, tmp_path / "out", files[1], tmp_path / "absent.jpg", code=1)
    assert [set(one) for one in made.result["images"]] == [{"image", "error"}] * 2


def test_the_files_beside_the_page_hold_the_maps(made: Made) -> None:
    one = made.result["images"][0]
    folder = made.out / one["folder"]
    assert folder.name == "01-a--mole----more"
    assert {file.name for file in folder.iterdir()} == {
        "image.png", "grad-cam.png", "saliency.png", "maps.npz",
    }  # fmt: skip
    arrays = unpack((made.out / one["arrays"]).read_bytes(), "maps")
    for each in one["maps"]:
        raw = arrays[each["method"]]
        assert raw.shape == (224, 224)
        assert (raw.min(), raw.max()) == pytest.approx((each["low"], each["high"]), rel=1e-5)
        with Image.open(made.out / each["picture"]) as shown:
            assert shown.width > 224  # the scale bar stands beside
    pixels = np.array(Image.open(folder / "image.png"))
    assert np.array_equal(pixels, np.array(Image.open(one["image"])))
    assert json.loads((made.out / "explanations.json").read_text()) == made.result


def test_the_page_is_offline_and_names_never_become_markup(made: Made) -> None:
    assert made.html.startswith("<!doctype html>")
    assert "default-src 'none'" in html.unescape(made.html)
    sources = re.findall(r'<img[^>]*src="([^"]{0,40})', made.html)
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "a &lt;mole&gt; &amp; more.png" in made.html
    assert "<mole>" not in made.html
    assert "Not a medical device" in made.html
    assert "no outline of a lesion" in made.html


def test_the_page_shows_every_map_with_scale_fidelity_and_checks(made: Made) -> None:
    assert made.html.count('class="scale"') == 2 * len(QUICK)
    for name in QUICK:
        assert METHODS[name].about.split(".")[0] in html.unescape(made.html)
    measured = tiny_model().content["surrogate"]["rank_correlation"]
    low = measured < made.result["least_fidelity"]
    for one in made.result["images"]:
        for each in one.get("maps", ()):
            assert (each["fidelity"], each["low_fidelity"]) == (measured, low)
            for kind in ("deletion", "insertion"):
                better = each[kind]["area"] < each[kind]["random"]
                assert each[kind]["beats_random"] is (better if kind == "deletion" else not better)
    word = "low fidelity: " if low else "fidelity "
    assert f"{word}{measured:.3f}" in made.html


def test_maps_of_a_poor_surrogate_are_marked(home, files, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("services.explaining.result.LEAST_RANK_CORRELATION", 1.01)
    made = make(home, tmp_path / "out", files[0], method=["grad-cam"])
    assert made.result["images"][0]["maps"][0]["low_fidelity"]
    assert "low fidelity: " in made.html


def test_similar_cases_are_shown_only_with_the_pixels_that_were_learned(
    made: Made, home, files, tmp_path: Path
) -> None:
    known = made.result["images"][2]["neighbours"]
    assert known[0]["row"] == 3
    assert known[0]["found"] == "image-003.png" or known[0]["found"].endswith("/image-003.png")
    assert known[0]["distance"] == pytest.approx(0, abs=1e-3)
    assert all(one["found"] and one["why_not"] is None for one in known)
    labels = [patient.malignant for patient in patients(200)]
    assert [one["malignant"] for one in known] == [labels[one["row"]] for one in known]
    without = make(home, tmp_path / "out", files[2], method=["grad-cam"])
    lost = without.result["images"][0]["neighbours"]
    assert all(one["found"] is None for one in lost)
    assert {one["why_not"] for one in lost} == {
        "no directory of images is set (--data, DERMTWIN_DATA)"
    }
    assert without.html.count("picture not at hand") == len(lost)


def test_training_images_are_rendered_again_from_recipes_or_found_by_path(learned: Path) -> None:
    cases = training_cases_of(tiny_model().files)
    rows = [0, 7]
    file = next(learned.rglob("image-007.png"))
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    path = str(file.relative_to(learned))
    lesson = {
        "kind": "images", "root": "elsewhere", "stem": "analytic", "quick": True, "seed": 0,
        "images": [[path, sha256, True, str(place)] for place in range(8)],
    }  # fmt: skip
    looked: list[str] = []
    found = training_images(cases, [7], lesson, learned, lambda stage, *_: looked.append(stage))
    assert (found[7].name, looked) == (path, [])  # the directory was not looked through
    both = training_images(cases, rows, lesson, learned, lambda stage, *_: looked.append(stage))
    assert both[0].name.endswith("image-000.png")  # its path in the lesson leads to other pixels
    assert looked
    for row in rows:
        assert np.array_equal(both[row].pixels, Imaging().pixels(patients(200)[row].image))
    drawn = {"kind": "synthetic", "cases": 3, "stem": "analytic", "quick": True, "seed": 4}
    (other,) = training_images(cases, [0], drawn, None, quiet).values()
    assert other.pixels is None
    assert "its recipe gives other pixels" in other.why_not
    (nowhere,) = training_images(cases, [0], None, learned / "benign", quiet).values()
    assert "no readable image below" in nowhere.why_not


def test_what_is_no_explainer_or_no_directory_is_refused(home, files, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--method='grad-can'.*grad-cam"):
        run(home, explain, files[0], method=["grad-can"])
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="expected a directory"):
        run(home, explain, files[0], out=tmp_path / "file")


def test_colours_rise_in_lightness_and_do_not_need_red_and_green() -> None:
    linear = (ramp() / 255.0) ** 2.2
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -1e-3).all()
    assert luminance[-1] - luminance[0] > 0.7
    # Vienot, Brettel, Mollon 1999: what a dichromat without red receptors sees of linear sRGB
    blind = linear @ np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.004, -0.004, 1]]).T
    steps = np.linalg.norm(np.diff(blind[::32], axis=0), axis=1)
    assert steps.min() > 0.03
    assert css_gradient().startswith("linear-gradient(to right,rgb(")
    assert coloured(np.array([[-1.0, 2.0]])).tolist() == [[ramp()[0].tolist(), ramp()[-1].tolist()]]


def test_an_overlay_shows_the_most_important_place_lightest() -> None:
    raw = np.zeros((224, 224))
    raw[40:60, 100:120] = 1.0
    grey = np.full((224, 224, 3), 128, np.uint8)
    shown = overlay(grey, scaled(raw, method="any", fidelity=1.0, model_id="m")).mean(2)
    assert shown[50, 110] > shown[150, 50] + 50
