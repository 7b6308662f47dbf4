from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_model import patients, tiny_model

from services.artefacts import ArtefactStore
from services.card_facts import facts_of
from services.card_sources import licence_rows, stated_licences
from services.commands.card import card
from services.config import Settings
from services.evaluation.groups import group_figures
from services.evaluation.scoring import STACK, ImageScores
from services.model_card import CardFacts, model_card
from simulator.cases.datasets import LabelledImage
from twin.dermoscopy.render import render
from twin.errors import SettingsError
from twin.learners.registry import LEARNERS
from twin.learners.sight import Sighted
from twin.model import learner_of

pytestmark = pytest.mark.slow

SECTIONS = (
    "Model Details",
    "Intended Use",
    "Factors",
    "Metrics",
    "Evaluation Data",
    "Training Data",
    "Quantitative Analyses",
    "Ethical Considerations",
    "Caveats and Recommendations",
)


def quiet(stage: str, done: int, total: int) -> None:
    """Show nothing."""


def flat(text: str) -> str:
    return text.replace("\\", "")


def test_the_card_holds_what_the_artefact_knows() -> None:
    model = tiny_model().annotated(
        network={"about": "a baseline beside it", "layers": [1, 2], "path": [{"a": 1}]}
    )
    content = model.content
    shown = flat(model_card(model, CardFacts()).markdown())
    assert [line[3:] for line in shown.splitlines() if line.startswith("## ")] == list(SECTIONS)
    for known in (
        model.model_id,
        *content["files"].values(),
        *content["versions"].values(),
        content["data"]["sha256"],
        f"{content['meta']['penalty']}",
        f"{content['meta']['out_of_fold']['auc']:.4f}",
        "| network: about | a baseline beside it |",
        "| network: layers | [1, 2] |",
        "| network: path | 1 entries, in manifest.json |",
        f"--seed {content['seed']}",
    ):
        assert known in shown, known
    for name, weight in content["meta"]["weights"].items():
        assert f"| {name} | {weight:+.4f} |" in shown
    for learner in content["learners"].values():
        for key, value in learner["settings"].items():
            assert f"{key} {value}" in shown
    assert "Not a medical device" in shown
    assert "None was given with --data" in shown


def test_the_page_holds_the_same_sections() -> None:
    page = model_card(tiny_model(), CardFacts()).html()
    assert all(f">{name}</h2>" in page for name in SECTIONS)
    assert tiny_model().model_id in page


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Have a table of rendered lesions whose women are few."""
    root = tmp_path_factory.mktemp("carded")
    rows = ["file,label,split,lesion_id,dx,age,sex,site,source"]
    for place, patient in enumerate(patients(72, seed=31)):
        name = f"{place}.png"
        Image.fromarray(render(patient.image.recipe)).save(root / name)
        label = "malignant" if patient.malignant else "benign"
        split = "test" if place >= 24 else "train"
        sex = "female" if place % 12 == 0 else "male"
        rows.append(f"{name},{label},{split},L{place},,{40 + place % 30},{sex},back,A")
    (root / "manifest.csv").write_text("\n".join(rows) + "\n")
    (root / "ATTRIBUTION.csv").write_text("isic_id,file,copyright_license\na,b,CC-0\nc,d,CC-BY\n")
    return root


def test_with_images_the_card_has_views_groups_and_audit(root: Path, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, data=root, threads=1)
    facts = facts_of(tiny_model(), None, root, settings, quiet, folds=False)
    shown = flat(model_card(tiny_model(), facts).markdown())
    assert "| Test split | All test images, as the directory has them. | 48 |" in shown
    assert "Left out: cross-validation by lesion: cross-validation was not asked for." in shown
    assert "**By sex**" in shown and "under ten cases" in shown
    assert "| CC-0 | 1 |" in shown
    assert "Not known of any image: diagnosis, skin tone" in shown
    assert "be careful: " in shown
    assert facts.groups["sex"]["female"]["figures"] is None
    assert facts.groups["sex"]["male"]["figures"]["accuracy"]["low"] is not None
    learned = [image for image in facts.images if image.split == "test"][:10]
    lesson = {"kind": "images", "stem": "analytic", "quick": True, "seed": 0} | {
        "images": [[one.path, one.sha256, one.malignant, one.group] for one in learned]
    }
    met = facts_of(tiny_model(), lesson, root, settings, quiet, folds=False).evaluation
    assert met["views"]["unleaked"]["about"].startswith("10 test images")
    with pytest.raises(SettingsError, match="not kept"):
        facts_of(tiny_model(), None, root, settings, quiet, folds=True)


def test_the_command_writes_both_files(tmp_path: Path, monkeypatch) -> None:
    ArtefactStore(tmp_path).save(tiny_model())
    monkeypatch.setenv("DERMTWIN_HOME", str(tmp_path))
    card(out=tmp_path / "docs" / "card.md")
    assert (tmp_path / "docs" / "card.md").read_text().startswith("# Model card")
    assert (tmp_path / "docs" / "card.html").is_file()
    with pytest.raises(SettingsError, match="ends in"):
        card(out=tmp_path / "card.pdf")


def test_a_group_of_one_class_has_no_auc_and_a_small_one_no_figures() -> None:
    images = [
        LabelledImage(
            path=str(place),
            sha256="",
            malignant=place % 2 == 0,
            split="test",
            group=str(place),
            diagnosis="melanoma" if place % 2 == 0 else None,
            age=85 if place < 4 else 30,
        )
        for place in range(40)
    ]
    scores = ImageScores(images, {STACK: np.linspace(0, 1, 40)}, ())
    found = group_figures(scores, 0.5, resamples=50)
    melanoma = found["diagnosis"]["melanoma"]["figures"]
    assert melanoma["auc"]["value"] is None
    assert melanoma["sensitivity"]["value"] is not None
    assert found["age band"]["80+"]["figures"] is None
    assert list(found["age band"]) == ["0-39", "80+"]
    assert found["site"] == {}
    few = group_figures(ImageScores(images[:21], {STACK: np.linspace(0, 1, 21)}, ()), 0.5)
    assert few["age band"]["0-39"]["figures"]["specificity"]["value"] is None  # 8 benign
    assert few["age band"]["0-39"]["figures"]["accuracy"]["value"] is not None


def test_licences_are_claimed_only_where_they_are_known(tmp_path: Path) -> None:
    images = [
        LabelledImage(path=n, sha256="", malignant=True, split=None, group=n, source=source)
        for n, source in (("a", "HAM10000"), ("b", "HAM10000"), ("c", None))
    ]
    rows = licence_rows(images)
    assert rows[0][:2] == ("HAM10000", 2) and "CC BY-NC 4.0" in rows[0][2]
    assert "not known" in rows[1][2]
    assert stated_licences(tmp_path) == []


def test_the_card_says_which_learner_sees_a_code() -> None:
    model, file = tiny_model(), LEARNERS["knn"].file
    coded = Sighted(learner_of(model.files, "knn"), 822, 3270).to_bytes()
    shown = flat(
        model_card(replace(model, files={**model.files, file: coded}), CardFacts()).markdown()
    )
    assert "| knn | 822 to 3269: the code of local textures |" in shown
    assert "| svm | all features |" in shown
