"""`dermtwin card`: a model's card, as Markdown and as a page."""

from pathlib import Path
from typing import Annotated, Any

import typer

from services.commands.options import Json, environment_settings
from services.console import emit, progress_bars, say, two_columns


def card(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="Model id or artefact directory; the one saved last if not given.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Images: figures by view and by group, and what the audit says."),
    ] = None,
    folds: Annotated[
        bool,
        typer.Option("--folds", help="Nested cross-validation too: trains five times if not kept."),
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Markdown file; the page is written beside it, as .html.")
    ] = Path("model-card.md"),
    as_json: Json = False,
) -> None:
    """Write what a model is, what it learned from, how good it is, and for whom it is not.

    Sections follow Mitchell et al. 2019. Figures are those of the artefact and, with --data, of
    the test images, with 95 % intervals over lesions; the images that the model learned from are
    known by their split.

    Example: dermtwin card --data isic --out model-card.md
    """
    from services.artefacts import ArtefactStore
    from services.atomic import write_text
    from services.model_card import CardFacts, model_card
    from twin.errors import ArtefactError, SettingsError

    if folds and data is None:
        raise SettingsError("--folds", True, "needs --data")
    if out.suffix not in (".md", ".html"):
        raise SettingsError("--out", str(out), "expected a name that ends in .md or .html")
    settings = environment_settings()
    store = ArtefactStore(settings.home)
    artefact = store.load_or_latest(model)
    try:
        lesson: dict[str, Any] | None = store.lesson(artefact.model_id)
    except ArtefactError:
        lesson = None
    if data is None:
        facts = CardFacts(lesson=lesson)
    else:
        from services.card_facts import facts_of

        with progress_bars() as bars:
            facts = facts_of(artefact, lesson, data, settings, bars, folds=folds)
    document = model_card(artefact, facts)
    out.parent.mkdir(parents=True, exist_ok=True)
    page = out.with_suffix(".html")
    write_text(out.with_suffix(".md"), document.markdown())
    write_text(page, document.html())
    say(f"page: {page}")
    result = {
        "model_id": artefact.model_id,
        "markdown": str(out.with_suffix(".md")),
        "html": str(page),
        "evaluation": facts.evaluation,
        "groups": facts.groups,
        "audit": list(facts.audit),
    }
    rows = {"model": artefact.model_id, "card": f"{result['markdown']}, {result['html']}"}
    emit(result, as_json=as_json, table=two_columns("", rows))
