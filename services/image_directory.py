"""The labelled images of DERMTWIN_DATA, as a run uses them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.cases.bad_rows import BadRow
from simulator.cases.datasets import LabelledImage, load_images
from twin.errors import SettingsError


@dataclass(slots=True)
class ImageDirectory:
    """Reads each split once, however many points and models of a run ask for it.

    Parameters:
        root: the data directory; None where it is not set.
        skip_bad: leave out rows that cannot be used and list them; without, they are errors.
    """

    root: Path | None
    skip_bad: bool = False
    _splits: dict[str, list[LabelledImage]] = field(default_factory=dict, init=False)
    _left_out: list[BadRow] = field(default_factory=list, init=False)

    def split(self, name: str, what: str) -> Sequence[LabelledImage]:
        """Return the images of a split; "all" for all.

        Parameters:
            what: of the scenario needs them, for the message.

        Raises:
            SettingsError: no data directory is set.
            DataError: it cannot be used, or a row of it; see `load_images`.
        """
        if self.root is None:
            raise SettingsError("DERMTWIN_DATA", "", f"this scenario's {what}")
        if name not in self._splits:
            self._splits[name] = load_images(
                self.root,
                split=None if name == "all" else name,
                skip_bad=self._left_out if self.skip_bad else None,
            )
        return self._splits[name]

    def complaints(self) -> list[str]:
        """Return the rows that were left out, each once."""
        return list(dict.fromkeys(f"left out: {one}" for one in self._left_out))
