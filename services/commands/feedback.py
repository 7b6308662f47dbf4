"""`dermtwin feedback`: tells the twin that is up what a lesion was."""

from typing import Annotated

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, two_columns


def feedback(
    case: Annotated[str, typer.Argument(help="Id of the case.", show_default=False)],
    label: Annotated[
        str, typer.Argument(help="malignant, benign, or withdrawn.", show_default=False)
    ],
    way: Annotated[
        str, typer.Option(help="How it was found out: biopsied, followed_up, sampled.")
    ] = "biopsied",
    p_verified: Annotated[
        float, typer.Option(help="Probability that the truth of such a patient is found out.")
    ] = 1.0,
    revision: Annotated[
        int, typer.Option(min=0, help="Above 0, it replaces labels of lower ones.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Send a label of a case to the twin that is up, and say what is made of it.

    Whatever cannot be used is kept apart with its reason; `dermtwin status` counts it.

    Examples: dermtwin feedback c17 malignant; dermtwin feedback c17 withdrawn --revision 1
    """
    from services.live_log import live_log
    from services.live_orders import Label, send_label

    told = Label(case_id=case, label=label, way=way, p_verified=p_verified, revision=revision)
    with live_log(environment_settings()) as log:
        event, fate = send_label(log, told)
    result = {
        "feedback_id": event.feedback_id,
        "case_id": event.case_id,
        "label": event.label,
        "at_min": event.at_min,
        "outcome": fate,
    }
    says = "it counts" if fate == "counts" else f"kept apart: {fate}"
    rows = {"message": event.feedback_id, "case": f"{case}: {label}", "outcome": says}
    emit(result, as_json=as_json, table=two_columns("", rows))
