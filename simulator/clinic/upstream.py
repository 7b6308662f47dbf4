"""Those who sought care and were kept from the clinic: counted with their truth."""

from dataclasses import dataclass, field
from typing import Final

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
_FACTS: Final = UPSTREAM_COLUMNS[UPSTREAM_COLUMNS.index("malignant") :]
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
        known = person.__dict__
        classes = self.words["class"]
        row = [
            person.key,
            classes.setdefault(person.patient_class, len(classes)),
            person.at_min,
        ]
        for name in _FACTS:
            value = known.get(name)
            if value is None:
                value = _NAN
            elif name in self.words:
                words = self.words[name]
                value = words.setdefault(value, len(words))
            row.append(value)
        self.table.add(row)
