"""What a scenario may reach and weigh that somebody else wrote: posted, not a file of one's own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from simulator.language.words import shown

# Of a posted text. Assumptions: the longest scenario of the repository has 2.5 kB and 140 values.
POSTED_BYTES: Final = 2**18
POSTED_VALUES: Final = 10_000  # keys, items and values; PyYAML reads some 30,000 a second


@dataclass(frozen=True, slots=True)
class Reach:
    """Files that a scenario may name, whatever it calls them, lie below one folder.

    Parameters:
        folder: the only one; symbolic links that lead out of it are refused, too.
        most_bytes: of the text.
        most_values: keys, items and values of the text.
    """

    folder: Path
    most_bytes: int = POSTED_BYTES
    most_values: int = POSTED_VALUES

    def check(self, file: Path, written: object) -> None:
        """Let a file pass that may be read; asks nothing of the file itself before.

        Raises:
            ValueError: it lies elsewhere.
        """
        # Links are followed: what counts is where the bytes come from.
        if not file.resolve().is_relative_to(self.folder.resolve()):
            raise ValueError(f"{shown(written)} lies outside the folder of scenarios")
