"""`dermtwin schema`: the form of a scenario, for editors and for people."""

from typing import Annotated

import typer


def schema(
    as_reference: Annotated[
        bool, typer.Option("--reference", help="Print docs/scenario-reference.md instead.")
    ] = False,
) -> None:
    """Print the JSON Schema (draft 2020-12) of a scenario file.

    Editors complete and check with it: dermtwin schema > scenario.schema.json, and as the first
    line of a scenario: # yaml-language-server: $schema=scenario.schema.json
    """
    import json

    from services.console import write

    if as_reference:
        from simulator.language.reference import reference

        write(reference())
        return
    from simulator.language.json_schema import scenario_json_schema

    write(json.dumps(scenario_json_schema(), indent=2, ensure_ascii=False) + "\n")
