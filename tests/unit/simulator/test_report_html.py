import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

from report_samples import SCENARIO, curves, difference, gate, metric, metrics, point, summary

from simulator.report.html import html_report

EVIL = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(2)>&\"'"


class Page(HTMLParser):
    """What a browser would see of a report."""

    VOID = ("br", "meta")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[str | None, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []  # every element is closed

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts.append((self.tags[-1][1].get("type"), data))
        elif "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def figures(self) -> list[Any]:
        return [json.loads(data) for kind, data in self.scripts if kind == "application/json"]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def report(told: dict[str, Any], scenario: str = SCENARIO) -> str:
    n = len(told["points"])
    return html_report(told, [[curves(), curves(end_min=1440.0)]] * n, [scenario] * n)


def test_question_and_answer_come_first() -> None:
    page = Page(report(summary()))
    order = [
        "small",
        "How long do patients wait?",
        "Patients wait 6.90 min at read on average (95 % interval 6.00 to 7.80 min)",
        "one in twenty waits longer than 32 min",
        "10.8 % of malignant lesions are missed",
        "The gate passes.",
        "Gates",
        "Cautions",
        "Metrics",
        "By group",
        "Over time",
        "How long it takes",
        "Warm-up",
        "Self-checks and theory",
        "Reporting checklist (STRESS-DES)",
        "Run it again",
    ]
    main = page.text.partition("dermtwin report")[2]
    places = [main.index(said) for said in order[:6]]
    assert places == sorted(places)
    sections = [one["id"] for one in page.all("section")]
    assert sections == [
        "gates", "cautions", "metrics", "groups", "time", "waits", "warmup", "checks", "stress",
        "again",
    ]  # fmt: skip
    assert all(said in main for said in order)


def test_nothing_is_asked_of_the_network() -> None:
    page = Page(report(summary()))
    assert page.all("link") == page.all("img") == page.all("iframe") == []
    for _, attributes in page.tags:
        for name in ("src", "href", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith("#")
    style = re.search(r"<style>(.*?)</style>", report(summary()), re.DOTALL)
    assert style is not None
    assert "url(" not in style[1] and "@import" not in style[1]


def test_only_the_two_scripts_of_the_report_may_run() -> None:
    page = Page(report(summary()))
    policy = next(
        str(one["content"])
        for one in page.all("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    )
    assert "default-src 'none'" in policy
    allowed = set(re.findall(r"'sha256-([^']+)'", policy))
    run = [data for kind, data in page.scripts if kind is None]
    found = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in run}
    assert allowed == found and len(run) == 2
    assert "script-src 'unsafe-inline'" not in policy


def test_text_of_a_scenario_never_becomes_markup() -> None:
    scenario = SCENARIO.replace("A clinic & its <nurses>.", json.dumps(EVIL))
    evil = point({"scenario": EVIL}, gates=[gate(text=EVIL, words=EVIL)])
    evil["metrics"][f"wait.{EVIL}.mean"] = metric("x", None, reason=EVIL)
    evil["metrics"]["wait.read.mean{site=" + EVIL.replace("=", "") + "}"] = metric("x", 1.0, 0.5)
    told = summary(
        evil, point({"scenario": "b"}), scenario=EVIL, about=EVIL, question=EVIL, kind="compare",
        degraded=[EVIL],
    )  # fmt: skip
    written = report(told, scenario)
    page = Page(written)
    assert page.all("img") == []
    assert len(page.all("script")) == 2 + len(page.figures())
    assert EVIL in page.text  # it is shown, as it stands
    # plotly takes names and categories for HTML of its own kind: they are escaped for it as well.
    names = [
        str(part)
        for one in page.figures()
        for shown in one.get("variants", [one])
        for trace in shown["data"]
        for part in (trace.get("name", ""), *trace.get("y", ()), *trace.get("text", ()))
    ]
    assert any("&lt;script" in name for name in names)
    assert not any("<script" in name or "<img" in name for name in names)


def test_every_figure_has_data_a_caption_and_words_for_screen_readers() -> None:
    page = Page(report(summary()))
    assert page.all("select") == []
    assert len(page.all("figcaption")) == 6
    for said in ("Patients waiting in each queue", "reader: people at work and on duty"):
        assert said in page.texts
    assert len(page.figures()) == len(page.all("figure")) == 6
    for one in page.all("div"):
        if one.get("class") == "plot":
            assert one["role"] == "img" and one["aria-label"]


def test_tables_can_be_read_aloud() -> None:
    page = Page(report(summary()))
    assert len(page.all("table")) == len(page.all("caption"))
    assert all(one.get("scope") in ("col", "row") for one in page.all("th"))


def test_too_few_cases_are_said_in_the_table_and_the_figure() -> None:
    text = Page(report(summary())).text
    assert "too few cases: only 3 malignant cases; 10 are needed" in text
    assert "Too few cases for a figure somewhere: V-VI." in text


def test_what_never_happened_is_one_sentence() -> None:
    text = Page(report(summary())).text
    assert "None in any replication: share who leave the queue of read unserved." in text


def test_figures_without_ground_and_broken_checks_are_cautions() -> None:
    broken = {"name": "Little's law", "holds": False, "words": "off by a tenth"}
    broken |= {"expected": 10.0, "found": 11.0, "tolerance": 0.1}
    lame = point(checks=[broken], precision={"asked": 0.1, "reached": {"auc": None}, "met": False})
    lame["metrics"]["wait.read.mean"] |= {"valid": False, "reason": "batch means are correlated"}
    unstable = SCENARIO.replace("allow_unstable: false", "allow_unstable: true")
    text = Page(report(summary(lame, degraded=["learner knn"], rejected=3), unstable)).text
    for said in (
        "Degraded: learner knn",
        "The AI could not score 3 of 240 patients.",
        "Self-check does not hold: Little's law: off by a tenth (expected 10, found 11)",
        "The precision of 10 % was not reached",
        "The interval of mean wait at read is not valid: batch means are correlated",
        "allow_unstable is set",
        "✗ does not hold",
    ):
        assert said in text
    assert "Nothing was degraded" in Page(report(summary())).text


def test_gates_say_verdict_in_words_and_what_would_decide() -> None:
    open_ = gate(
        verdict="inconclusive",
        words="the interval straddles the bound; about 12 more replications would decide",
        more_replications=12,
    )
    text = Page(report(summary(point(gates=[open_], gate="inconclusive")))).text
    assert "The gate is undecided: wait.read.mean < 10 min (found 6.90 min)." in text
    assert "? inconclusive the interval straddles the bound 6.90 min" in text
    assert "10 min 12" in text  # bound, replications


def test_a_grid_is_drawn_with_a_choice_of_metrics() -> None:
    points = [point({"staff.reader.count": n}, wait=9.0 / n) for n in (1, 2, 3)]
    page = Page(report(summary(*points)))
    assert "Over 3 points, the mean wait at read ranges from 3 min (reader.count = 3)" in page.text
    sweep = next(one for one in page.figures() if "variants" in one)
    first = sweep["variants"][0]
    assert first["title"] == "Mean wait at read over what was varied"
    assert first["data"][0]["x"] == [1, 2, 3]
    assert first["data"][0]["y"] == [9.0, 4.5, 3.0]
    assert first["data"][0]["error_y"]["array"] == [0.9, 0.9, 0.9]
    assert len(page.all("select")) == 2  # of the sweep, of the differences


def test_two_axes_give_a_line_each_or_a_map_and_a_sample_gives_panels() -> None:
    def first(labels: list[dict[str, object]]) -> Any:
        page = Page(report(summary(*(point(label) for label in labels))))
        return next(one for one in page.figures() if "variants" in one)["variants"][0]

    lines = first([{"a": x, "b": y} for x in (1, 2, 3) for y in ("p", "q")])
    assert [trace["name"] for trace in lines["data"]] == ["b = p", "b = q"]
    assert lines["data"][0]["line"]["dash"] != lines["data"][1]["line"]["dash"]
    heat = first([{"a": x, "b": y} for x in range(8) for y in range(8)])
    assert heat["data"][0]["type"] == "heatmap"
    sample = first([{"a": 0.1 * n, "b": 0.3 * n} for n in range(5)])
    assert [trace["mode"] for trace in sample["data"]] == ["markers", "markers"]


def test_comparison_tells_what_differs_beyond_chance() -> None:
    told = summary(point({"scenario": "now"}), point({"scenario": "then"}, 4.9), kind="compare")
    page = Page(report(told))
    said = "With then instead of now, the mean wait at read falls from 6.90 min to 4.90 min"
    assert f"{said} (95 % interval of the difference −2.50 to −1.50 min)." in page.text
    assert "correlates at 0.90 between the pairs" in page.text
    assert "10 times as many independent runs" in page.text
    assert "within chance" in page.text and "lower" in page.text
    assert "dermtwin compare points/000.yaml points/001.yaml" in page.text
    forest = next(one for one in page.figures() if "sensitivity" in str(one["data"][0].get("y")))
    assert forest["data"][0]["marker"]["symbol"] == ["circle-open", "circle"]


def test_a_residue_of_rounding_is_no_difference() -> None:
    told = summary(point({"scenario": "a"}), point({"scenario": "b"}), kind="compare")
    told["differences"] = [difference(-3e-15, 1e-15)]
    text = Page(report(told)).text
    assert "Between b and a no headline figure differs beyond chance." in text
    assert "6.90 min 6.90 min equal 0" in text


def test_a_metric_that_the_first_scenario_lacks_is_compared_with_nothing() -> None:
    """As where only the second re-stacks, and a gate of its asks how often."""
    promoted = metric("stacks.promoted", 2.0, 0.5)
    asks = gate(text="stacks.promoted >= 1", metric="stacks.promoted", bound=1.0, value=2.0)
    more = metrics() | {promoted["name"]: promoted}
    other = point({"scenario": "b"}, metrics=more, gates=[asks])
    for points in ([other], [other, point({"scenario": "c"})]):
        told = summary(point({"scenario": "a"}), *points, kind="compare")
        assert "stacks.promoted >= 1" in Page(report(told)).text


def test_theory_stands_beside_simulation_or_the_reason_why_not() -> None:
    assert (
        "No exact value to hold these figures against: the AI orders the queue."
        in Page(report(summary())).text
    )
    row = {"metric": "wait.read.mean", "exact": 7.0, "simulated": 6.9, "low": 6.0, "high": 7.8}
    exact = {"model": "M/M/2", "why_not": "", "rows": [{**row, "holds": True}]}
    text = Page(report(summary(point(exact=exact)))).text
    assert "mean wait at read ✓ agrees 7 min 6.90 min 6.00 to 7.80 min" in text


def test_warmup_evidence_marks_the_cut() -> None:
    warm = {"warmup_min": 120.0, "how": "MSER-5", "valid": True, "reason": "", "pilots": 5}
    warm |= {"spell_min": 60.0, "average": [1.0] * 24, "statistic": [0.5] * 12}
    warm |= {"statistic_step_min": 60.0}
    page = Page(report(summary(point(warmup=warm))))
    assert "MSER-5 on 5 pilot runs leaves out the first 120 min." in page.text
    cuts = [
        shape["x0"]
        for one in page.figures()
        for shape in one["layout"].get("shapes", ())
        if shape.get("label", {}).get("text") == "cut"
    ]
    assert cuts == [120 / 1440]


def test_a_scenario_without_truth_or_text_has_a_report() -> None:
    bare = SCENARIO.replace("A clinic & its <nurses>.", "''").replace(
        "How long do patients wait?", "''"
    )
    bare = re.sub(r"(?m)^cases: .*", "cases: {source: nominal}", bare)
    kept = {n: one for n, one in metrics().items() if n.startswith(("wait.read", "util"))}
    told = summary(point(metrics=kept, gates=[], gate=None), about="", question="")
    page = Page(report(told, bare))
    assert "malignant" not in page.text
    assert "The scenario sets no gates." in page.text
    assert page.text.count("The scenario does not say.") >= 3  # purpose, aims, data sources


def test_replications_of_unequal_length_are_drawn_to_the_longest() -> None:
    runs = [[curves(end_min=720.0), curves(end_min=1440.0)]]
    page = Page(html_report(summary(), runs, [SCENARIO]))
    lines = [t for one in page.figures() for t in one["data"] if t.get("name") == "in the clinic"]
    assert len(lines[0]["x"]) == 24 and lines[0]["x"][-1] > 0.9


def test_a_gate_says_whose_wait_comes_first() -> None:
    both = {"wait.desk.mean": metric("wait.desk.mean", 3.0, 0.5), **metrics()}
    asked = gate(metric="wait.desk.mean", text="wait.desk.mean < 10 min")
    text = Page(report(summary(point(metrics=both, gates=[asked])))).text
    assert "Patients wait 3 min at desk on average" in text


def test_groups_that_go_elsewhere_are_compared_by_the_whole_time() -> None:
    found = metrics()
    found["wait.read.mean{skin_tone=V-VI}"] = metric(
        "x", None, reason="only 0 visits; 10 are needed"
    )
    for where in ("", "{skin_tone=I-II}", "{skin_tone=V-VI}"):
        name = f"time_to_diagnosis.all.mean{where}"
        found[name] = metric(name, 90.0, 5.0)
    text = Page(report(summary(point(metrics=found)))).text
    assert "Mean time to diagnosis and share of malignant lesions missed, by skin tone" in text


def test_many_points_are_cut_short_in_words() -> None:
    points = [point({"a": n, "b": n % 3}) for n in range(14)]
    text = Page(report(summary(*points))).text
    assert "The other 2 points stand in summary.json and replications/." in text
    assert "2 more stand in the run folder, in points/." in text
