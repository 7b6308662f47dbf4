"""`dermtwin score`: what the stack says about image files."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, ModelChoice, environment_settings
from services.console import emit, say


def score(
    images: Annotated[list[Path], typer.Argument(help="Image files.", show_default=False)],
    model: ModelChoice = None,
    as_json: Json = False,
) -> None:
    """Score images in this process, without servers.

    An image that cannot be read is listed with its reason and the others are scored; the exit
    code is 1 only if none could be.

    Example: dermtwin score mole.jpg --json
    """
    from rich.table import Table

    from actors.local import LocalStack
    from services.artefacts import ArtefactStore
    from services.commands.references import reference_to
    from services.image_store import FileReader
    from services.parts import parts_of
    from twin.errors import ImageError
    from twin.images import name_of
    from twin.ports import Opinion, Unscorable

    settings = environment_settings()
    artefact = ArtefactStore(settings.home).load_or_latest(model)
    stack = LocalStack(parts_of(artefact), FileReader(Path("/")))
    answers: list[Opinion | Unscorable] = []
    try:
        for path in images:
            try:
                ref = reference_to(path)
            except ImageError as error:
                answers.append(Unscorable(reason=str(error.args[1])))
                continue
            (answer,) = stack.submit([ref]).collect()
            if isinstance(answer, Unscorable):  # the path is told anyway, as the user wrote it
                answer = Unscorable(reason=answer.reason.removeprefix(f"image {name_of(ref)}: "))
            answers.append(answer)
    finally:
        stack.close()
    rows: list[dict[str, Any]] = []
    table = Table("image", "p_malignant", "verdict", "log-odds of the learners")
    for path, answer in zip(images, answers, strict=True):
        if isinstance(answer, Unscorable):
            rows.append({"image": str(path), "error": answer.reason})
            table.add_row(str(path), "-", "not scored")
            say(f"not scored: {path}: {answer.reason}")
            continue
        malignant = answer.p_malignant >= stack.threshold
        verdict = "malignant" if malignant else "benign"
        votes = ", ".join(f"{name} {value:+.2f}" for name, value in answer.log_odds.items())
        rows.append(
            {
                "image": str(path),
                "p_malignant": answer.p_malignant,
                "malignant": malignant,
                "log_odds": answer.log_odds,
                "missing": list(answer.missing),
            }
        )
        table.add_row(str(path), f"{answer.p_malignant:.3f}", verdict, votes)
    result = {"model_id": artefact.model_id, "threshold": stack.threshold, "images": rows}
    emit(result, as_json=as_json, table=table)
    if all(isinstance(answer, Unscorable) for answer in answers):
        raise typer.Exit(1)
