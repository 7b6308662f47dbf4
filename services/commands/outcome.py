"""How commands that run experiments tell the outcome."""

import sys
from collections.abc import Mapping
from typing import Any

from services.commands.run_tables import run_table
from services.console import emit, say
from services.exits import Exit

_EXITS = {"fail": Exit.GATE_FAILED, "inconclusive": Exit.INCONCLUSIVE}


def show(summary: Mapping[str, Any], *, as_json: bool) -> None:
    """Print a summary, complain of what was degraded, and exit as the gates say."""
    for complaint in summary["degraded"]:
        say(f"degraded: {complaint}")
    if not summary["checks_hold"]:
        say("a self-check does not hold: see the report")
    emit(summary, as_json=as_json, table=run_table(summary))
    code = Exit.ERROR if not summary["checks_hold"] else _EXITS.get(summary["gates"], Exit.OK)
    if code:
        sys.exit(code)
