"""The loop in reports: what stands there is what the figures say, in plain words."""

import json
import re
from typing import Any

from loop_journals import looped_summary
from report_samples import SCENARIO, curves, summary

from simulator.report.html import html_report
from simulator.report.markdown import markdown_report
from simulator.report.performance import performance_figure
from simulator.report.recovery import recovery_sheets, recovery_told
from simulator.report.sheets import Sheet, part_of


def plain(text: str) -> str:
    body = re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def alone() -> dict[str, Any]:
    return summary({**looped_summary()["points"][1], "label": {}})


def test_recovery_stands_in_page_and_summary() -> None:
    told = looped_summary()
    share = told["recovery"]["points"][0]["periods"][0]["figures"]["balanced_accuracy"]["share"]
    [said] = recovery_told(told)
    assert f"{part_of(share)} of the loss is recovered" in said
    assert "from 14 d after the onset on" in said
    page = plain(html_report(told, [[curves()], [curves()]], [SCENARIO, SCENARIO]))
    assert "Recovery" in page
    assert "a loss of 2" in page
    assert "### Recovery" in markdown_report(told)
    [sheet] = recovery_sheets(told)
    assert [row[0] for row in sheet.rows][:1] == ["balanced accuracy"]
    assert all(len(row) == len(sheet.head) for row in sheet.rows)


def test_a_loss_within_chance_has_no_share() -> None:
    told = json.loads(json.dumps(looped_summary()))
    one = told["recovery"]["points"][0]["periods"][0]["figures"]["balanced_accuracy"]
    one["share"] |= {"low": None, "high": None, "reason": "what it is a share of may be 0"}
    [said] = recovery_told(told)
    assert "cannot be told" in said
    told["recovery"]["points"][0]["periods"][0]["reason"] = "only 3 malignant then; 10 are needed"
    [said] = recovery_told(told)
    assert "no recovery can be told: only 3 malignant" in said
    assert recovery_sheets(told) == []


def test_one_run_tells_decisions_labels_drift_and_outages() -> None:
    page = plain(html_report(alone(), [[curves()]], [SCENARIO]))
    for said in (
        "12 decisions about the stack in 4 replications: promoted 4, rejected 4, waiting 4.",
        "4 × only 12 labels after the shift; 50 are needed",
        "Lineage of the first replication",
        "Gate: version 1, restack, promoted at epoch 14",
        "messages came back; 75 do not count (",
        "beyond chance, unweighted; weighted, by",
        "says that it is not valid at 120 of 160 epochs",
        "4 of 4, 47.9 h",
        "Reports with a false alarm before the first shift: 3 (0.82 to 7.68) a month.",
        "Of cast, onset day 10: 4 of 4 replications have an alarm; median delay 47.9 h; of single "
        "detectors adwin on scores is first",
        "Alarms over time",
        "Not valid, 120 times: the images changed",
        "Without knn,",
        "who came at other times",
    ):
        assert said in page, said
    text = markdown_report(alone())
    assert text.index("### Re-stacking") < text.index("### Labels") < text.index("### Drift")


def test_the_chart_has_every_point_and_what_happened() -> None:
    points = looped_summary()["points"]
    shown = performance_figure(points, 0.0, 0.0)
    [data] = re.findall(r'<script type="application/json">(.*?)</script>', shown)
    first = json.loads(data)["variants"][0]
    lines = [one for one in first["data"] if one["mode"] == "lines+markers"]
    assert [one["name"] for one in lines] == ["without", "with"]
    rows = points[0]["loop"]["performance"]
    assert len(lines[0]["x"]) == len(lines[0]["y"]) == len(rows)
    lanes = [one["name"] for one in first["data"] if one["mode"] == "markers"]
    assert set(lanes) == {"promoted, with", "drift alarm, with", "drift alarm, without"}
    texts = [shape["label"]["text"] for shape in first["layout"]["shapes"] if "label" in shape]
    assert "cast" in texts[0]
    assert "knn out" in texts


def test_text_of_a_reason_is_no_markup() -> None:
    sheet = Sheet(caption="<b>", head=["a", "b"], rows=[["<i>", "1 (2 to 3)"]], numeric=1)
    assert "<i>" not in sheet.html()
    assert "<small>2 to 3</small>" in sheet.html()


def test_a_run_without_a_loop_has_none_of_it() -> None:
    page = plain(html_report(summary(), [[curves()]], [SCENARIO]))
    assert "Re-stacking" not in page
    assert "Recovery" not in page


def test_the_cost_out_of_fold_stands_beside_that_in_the_run() -> None:
    one = json.loads(json.dumps(alone()))
    [row] = one["points"][0]["loop"]["outages"]["rows"]
    known = {"sensitivity": 0.9, "specificity": 0.8, "auc": 0.95}
    moved = {name: {"mean": -0.02, "low": -0.03, "high": -0.01} for name in known}
    row["out_of_fold"] = {"images": 900, "malignant": 300, "full": known, "without": known, **moved}
    page = plain(html_report(one, [[curves()]], [SCENARIO]))
    assert "On the training images, out of fold: −2 points (−3.00 to −1.00 points)." in page
    assert "300 / 900" in page
