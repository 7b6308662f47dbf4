from report_samples import gate, metric, point, summary

from simulator.report.markdown import markdown_report


def test_a_run_is_told_in_few_lines() -> None:
    text = markdown_report(summary())
    lines = text.splitlines()
    assert len(lines) < 60
    assert lines[0] == "## small"
    assert "*How long do patients wait?*" in lines
    assert "Patients wait 6.90 min at read on average" in text
    assert "| wait.read.mean &lt; 10 min | ✅ pass | 6.90 min | 6.00 to 7.80 min |" in text
    assert "| mean wait at read | 6.90 min | 6.00 to 7.80 min |" in lines
    assert f"Digest `{'d' * 64}`, seed 7" in lines


def test_tables_are_whole_and_their_text_cannot_break_them() -> None:
    evil = "a | b <img> [x](y) @team\n## c"
    told = summary(point(gates=[gate(text=evil, words=evil)]), question=evil, degraded=[evil])
    text = markdown_report(told)
    assert "<img>" not in text and "@team" not in text and "](" not in text.replace("\\](", "")
    rows = [line for line in text.splitlines() if line.startswith("|")]
    widths = [line.replace("\\|", "").count("|") for line in rows]
    assert set(widths) == {6, 4}  # gates, metrics


def test_a_large_sweep_stays_short_and_counts_its_gates() -> None:
    points = [
        point({"a": n, "b": n % 3}, gates=[gate(verdict="fail" if n else "pass")])
        for n in range(60)
    ]
    text = markdown_report(summary(*points))
    assert len(text.splitlines()) < 60
    assert "| wait.read.mean &lt; 10 min | 1 | 59 | 0 |" in text
    assert "48 more stand in report.html." in text


def test_a_comparison_lists_what_differs() -> None:
    told = summary(point({"scenario": "now"}), point({"scenario": "then"}), kind="compare")
    text = markdown_report(told)
    assert "| then | mean wait at read | −2 min | −2.50 to −1.50 min |" in text
    assert "sensitivity of the decision" not in text


def test_checks_and_theory_that_fail_are_said() -> None:
    row = {"metric": "wait.read.mean", "exact": 3.0, "simulated": 6.9, "low": 6.0, "high": 7.8}
    exact = {"model": "M/M/2", "why_not": "", "rows": [{**row, "holds": False}]}
    text = markdown_report(summary(point(exact=exact), checks_hold=False))
    assert "Self-checks **do not hold**" in text
    assert "Theory (M/M/2): 0 of 1 figures agree." in text


def test_no_figure_says_why() -> None:
    told = point()
    told["metrics"]["wait.read.mean"] = metric("wait.read.mean", None, reason="nobody was served")
    text = markdown_report(summary(told))
    assert "Nobody was served at read." in text
    assert "| mean wait at read | no figure | nobody was served |" in text
