"""A document of sections, paragraphs, lists and tables, as Markdown and as a page."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulator.report.markdown_cells import safe, table_of
from simulator.report.markup import Html, join, section, table, tag
from simulator.report.page import page


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table; the first cell of a row names it."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[object]]
    numeric: int = 0  # columns at the right end that hold numbers


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Command:
    """What to type."""

    text: str


Block = str | Grid | Bullets | Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A section of a document."""

    title: str
    blocks: Sequence[Block]

    @property
    def key(self) -> str:
        """Its anchor."""
        return self.title.lower().replace(" ", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A title, a summary, and sections."""

    title: str
    summary: str
    chapters: Sequence[Chapter]

    def markdown(self) -> str:
        """Return the document as GitHub Markdown; whatever is in it cannot become markup."""
        lines = [f"# {safe(self.title)}", "", safe(self.summary), ""]
        for chapter in self.chapters:
            lines += [f"## {safe(chapter.title)}", ""]
            for block in chapter.blocks:
                lines += _markdown(block)
        return "\n".join(lines).rstrip() + "\n"

    def html(self) -> str:
        """Return the document as a page that opens offline."""
        top = join([tag("h1", self.title), tag("div", tag("p", self.summary), class_="answer")])
        body = join(
            section(one.title, *(_html(block) for block in one.blocks), key=one.key)
            for one in self.chapters
        )
        contents = [(one.key, one.title) for one in self.chapters]
        return page(f"{self.title}: dermtwin", top, contents, body)


def _markdown(block: Block) -> list[str]:
    if isinstance(block, Grid):
        if not block.rows:
            return []
        lines = table_of(block.head, block.rows, most=len(block.rows))
        return [f"**{safe(block.title)}**", "", *lines]
    if isinstance(block, Bullets):
        return [*(f"- {safe(line)}" for line in block.lines), ""]
    if isinstance(block, Command):
        return ["```sh", block.text, "```", ""]
    return [safe(block), ""]


def _html(block: Block) -> Html:
    if isinstance(block, Grid):
        return table(block.title, block.head, block.rows, numeric=block.numeric)
    if isinstance(block, Bullets):
        return tag("ul", *(tag("li", line) for line in block.lines))
    if isinstance(block, Command):
        return tag("pre", tag("code", block.text))
    return tag("p", block)
