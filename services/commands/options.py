"""Options that several commands share."""

import os
from typing import Annotated

import typer

from services.config import Settings, read_settings

Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output, nothing else there.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used, and list them.")
]
Batch = Annotated[int, typer.Option(min=1, max=4096, help="Most cases scored together.")]
ModelChoice = Annotated[
    str | None,
    typer.Option("--model", help="Model id or artefact directory. Default: what fits."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="key=value over the file's, as staff.nurse=2; may be repeated."),
]
Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Replications at once, as Ray tasks; without, all cores if the work is worth it.",
    ),
]


def environment_settings() -> Settings:
    """Return the settings of this process's environment."""
    return read_settings(os.environ)
