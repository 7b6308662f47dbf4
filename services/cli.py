"""The command line: `dermtwin COMMAND`.

Commands are thin: they read options, call the services, and print. Everything heavy is imported
inside the command that needs it, so that `--help` answers at once.
"""

import os
import sys
from collections.abc import Callable, Mapping
from typing import Annotated, Final

import typer

from services.commands.api import api
from services.commands.audit_data import audit_data
from services.commands.card import card
from services.commands.compare import compare
from services.commands.data import data
from services.commands.dead_letters import dead_letters
from services.commands.detectors import detectors
from services.commands.doctor import doctor
from services.commands.explain import explain
from services.commands.feedback import feedback
from services.commands.forecast import forecast
from services.commands.gallery import gallery
from services.commands.keys import keys
from services.commands.mirror import mirror
from services.commands.realism import realism
from services.commands.rebuild import rebuild
from services.commands.refit import refit
from services.commands.reproduce import reproduce
from services.commands.restacker import restacker
from services.commands.resume import resume
from services.commands.robustness import robustness
from services.commands.run import run
from services.commands.schema import schema
from services.commands.score import score
from services.commands.stacks import stacks
from services.commands.status import status
from services.commands.stress import stress
from services.commands.train import train
from services.commands.up import up
from services.commands.validate import validate
from services.commands.worker import worker
from services.config import settle
from services.console import claim_standard_output, say
from services.exits import Exit
from twin.errors import DermtwinError, ScenarioError, SettingsError

app = typer.Typer(
    name="dermtwin",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="""Event-driven digital twin of a skin-cancer CAD pipeline.

    Start with [bold]dermtwin run scenarios/first-clinic.yaml[/bold], which needs no data. Settings
    come from the environment; [bold]dermtwin doctor[/bold] lists them.""",
)
_PANELS: Final[Mapping[str, tuple[Callable[..., None], ...]]] = {
    "What-if questions": (run, compare, detectors, resume, validate, schema),
    "Models and images": (
        train,
        refit,
        score,
        explain,
        reproduce,
        card,
        audit_data,
        robustness,
        realism,
        gallery,
    ),
    "The live twin, and this machine": (
        up,
        status,
        stress,
        forecast,
        feedback,
        rebuild,
        doctor,
    ),
    "Parts of a live twin, each a process": (worker, restacker, mirror, api),
}
for _panel, _commands in _PANELS.items():
    for _command in _commands:
        app.command(rich_help_panel=_panel)(_command)
app.add_typer(data, name="data", rich_help_panel="Models and images")
app.add_typer(stacks, name="stacks", rich_help_panel="Models and images")
app.add_typer(dead_letters, name="dead-letters", rich_help_panel="The live twin, and this machine")
app.add_typer(keys, name="keys", rich_help_panel="The live twin, and this machine")


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", help="Show tracebacks of errors.")] = False,
) -> None:
    if "--help" not in sys.argv:
        claim_standard_output()
    if verbose:
        os.environ["DERMTWIN_VERBOSE"] = "1"


def main() -> None:
    """Run the command line; errors print their chain of causes, and a traceback if asked."""
    try:
        settle(os.environ)
        app()
    except DermtwinError as error:
        if os.environ.get("DERMTWIN_VERBOSE"):
            raise
        say(f"error: {error}")
        cause = error.__cause__
        while cause is not None:
            if str(cause) not in str(error):  # a message that quotes its cause has said it
                say(f"  because {type(cause).__name__}: {cause}")
            cause = cause.__cause__
        invalid = isinstance(error, ScenarioError | SettingsError)
        sys.exit(Exit.INVALID if invalid else Exit.ERROR)


if __name__ == "__main__":
    main()
