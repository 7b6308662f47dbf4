"""Those who sought care and were kept from the clinic: counted with their truth."""

from dataclasses import dataclass, field
from typing import Any, Final

from simulator.clinic.person import Person
from simulator.clinic.tables import Table

# A row for each, in order of arrival; coded as the journal's table of patients is.
UPSTREAM_COLUMNS: Final = (
    "key",
    "class",
    "arrival_min",
    "malignant",
    "diagnosis",
    "age",
    "sex",
    "site",
    "skin_tone",
    "shifts",
)
UPSTREAM_WORDS: Final = ("class", "diagnosis", "sex", "site", "skin_tone", "shifts")
_NAN: Final = float("nan")


@dataclass(slots=True, kw_only=True)
class Upstream:
    """Who did not come, up to now."""

    table: Table = field(default_factory=lambda: Table(UPSTREAM_COLUMNS))
    words: dict[str, dict[str, int]] = field(
        default_factory=lambda: {name: {} for name in UPSTREAM_WORDS}
    )

    def note(self, person: Person) -> None:
        """Write the row of one who does not come."""
        known = {
            "key": person.key,
            "class": person.patient_class,
            "arrival_min": person.at_min,
            **person.__dict__,
        }
        self.table.add([self._coded(name, known.get(name)) for name in UPSTREAM_COLUMNS])

    def _coded(self, name: str, value: Any) -> float:  # noqa: ANN401  a number, or a word
        if value is None:
            return _NAN
        if name not in self.words:
            return float(value)
        words = self.words[name]
        return words.setdefault(str(value), len(words))
