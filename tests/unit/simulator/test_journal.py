import csv
import io

from simulator.clinic.journal import CaseRecord, Journal, Latency, Visit

RECORD = CaseRecord(
    case_id="c1",
    arrival_min=1.0,
    visits={
        "imaging": Visit(queued_min=1.0, start_min=3.0, end_min=5.5),
        "read": Visit(queued_min=5.5, start_min=5.5, end_min=9.0),
    },
    closed_min=9.0,
    malignant=True,
    diagnosis='melanoma, "in situ"',
    p_malignant=None,
    ai_malignant=None,
    rejected="no image",
    referred=True,
)


def test_a_row_holds_every_field_and_every_visit() -> None:
    row = RECORD.as_row()
    assert row["imaging_wait_min"] == 2.0
    assert row["read_wait_min"] == 0.0
    assert row["read_end_min"] == 9.0
    assert {"case_id", "malignant", "referred", "rejected", "skin_tone"} <= set(row)
    assert "visits" not in row


def test_csv_reads_back() -> None:
    rows = list(csv.DictReader(io.StringIO(Journal(records=[RECORD, RECORD]).as_csv())))
    assert len(rows) == 2
    assert rows[0] == {
        name: "" if value is None else str(value) for name, value in RECORD.as_row().items()
    }


def test_an_empty_journal_has_an_empty_table() -> None:
    assert Journal().as_csv() == "\n"


def test_latency_counts_from_the_intended_send_time() -> None:
    assert Latency(case_id="c1", intended_s=1.5, answered_s=1.75).latency_ms == 250.0
