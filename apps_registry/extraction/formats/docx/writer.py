"""Writes the paragraphs, tables and notes of a part of a DOCX into a reading."""

from apps_registry.extraction.blocks import Block, Outline, Reading, clean_line
from apps_registry.extraction.formats.docx.tables import OpenTable

Notes = dict[tuple[str, str], list[str]]  # (footnote or endnote, id) -> paragraphs


class Writer:
    """Adds the text of a part to a reading, with its headings and pages."""

    def __init__(self, reading: Reading, notes: Notes) -> None:
        """Begin a part.

        Args:
            reading: gets the text.
            notes: the footnotes and endnotes, which follow the paragraphs that refer to them.
        """
        self.reading, self.notes = reading, notes
        self.outline = Outline(reading)
        self.page, self._has_pages = 1, False
        self.waiting_notes: list[tuple[str, str]] = []

    def begin_page(self) -> None:
        """Begin a page that Word has recorded."""
        self.page, self._has_pages = self.page + 1, True

    def add_paragraph(self, level: int | None, text: str, page: int) -> None:
        """Add a paragraph and the notes that it refers to.

        Args:
            level: of a heading, 0 for the title; None for other paragraphs.
            text: the paragraph.
            page: its page.
        """
        if text and level == 0 and not self.reading.title:
            self.reading.title = clean_line(text)
        elif text and level:
            self.reading.title = self.reading.title or clean_line(text)
            self.outline.begin(level, clean_line(text))
        else:
            self.reading.add(Block(text, self.outline.path, page=page))
        self.add_notes()

    def add_table(self, table: OpenTable) -> None:
        """Add a table row by row; if it is only a box, add its contents without the table."""
        if table.grid.width > 1:
            for block in table.grid.blocks(self.outline.path):
                self.reading.add(block)
            return
        for content in table.contents:  # a box around paragraphs and tables
            if isinstance(content, OpenTable):
                self.add_table(content)
            else:
                self.add_paragraph(*content)

    def add_notes(self) -> None:
        """Add the notes with a reference that have not been added yet."""
        for key in self.waiting_notes:
            for text in self.notes.pop(key, ()):
                self.reading.add(Block(text, self.outline.path, page=self.page))
        self.waiting_notes.clear()

    def finish(self) -> None:
        """Add the notes without a reference, and remove the page numbers if Word has recorded no pages."""
        self.outline.end()
        if not self.reading.blocks and self.reading.title:
            self.reading.add(Block(self.reading.title, page=self.page))  # a document that is only a title
        self.waiting_notes = list(self.notes)
        self.add_notes()
        if not self._has_pages:
            self.reading.forget_pages()
