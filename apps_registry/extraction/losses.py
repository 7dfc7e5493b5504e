"""The loss report of a document: what a reader could not read, left out, or had to guess."""

from dataclasses import dataclass, field

MAX_DETAIL_CHARS = 300
MAX_DETAILS = 100

# Sentences with a count and a detail, the most important first; two forms where English needs them.
_SENTENCES: dict[str, tuple[str, str]] = {
    "page_text": (
        "{n} page has no text and was not read: {detail}. {hint}",
        "{n} pages have no text and were not read: {detail}. {hint}",
    ),
    "recognised": (
        "{n} page without text was read by text recognition (OCR), which makes mistakes: {detail}.",
        "{n} pages without text were read by text recognition (OCR), which makes mistakes: {detail}.",
    ),
    "bad_characters": (
        "{n} character is not readable in the file ({detail} of all) and is shown as \ufffd.",
        "{n} characters are not readable in the file ({detail} of all) and are shown as \ufffd.",
    ),
    "cut_off": ("The file ends too early: {detail}.",) * 2,
    "parts": (
        "{n} part could not be read: {detail}.",
        "{n} parts could not be read: {detail}.",
    ),
    "header_lines": (
        "{n} malformed line among the headers of the message was left out: {detail}.",
        "{n} malformed lines among the headers of the message were left out: {detail}.",
    ),
    "encoding": ("The file does not declare its encoding; it was read as {detail}.",) * 2,
    "formulas": (
        "{n} cell contains a formula without a stored result; open and save the file in a spreadsheet program.",
        "{n} cells contain a formula without a stored result; open and save the file in a spreadsheet program.",
    ),
    "symbols": (
        "{n} character of a symbol font is unknown and is shown as \ufffd.",
        "{n} characters of symbol fonts are unknown and are shown as \ufffd.",
    ),
    "unknown_markup": (
        "{n} element that is unknown or malformed was read as plain text: {detail}.",
        "{n} elements that are unknown or malformed were read as plain text: {detail}.",
    ),
    "includes": (
        "{n} part from another file or program was not read: {detail}.",
        "{n} parts from other files or programs were not read: {detail}.",
    ),
    "charts": (
        "{n} chart or diagram was not read.",
        "{n} charts or diagrams were not read.",
    ),
    "images": (
        "{n} picture was not read.",
        "{n} pictures were not read.",
    ),
    "objects": (
        "{n} embedded object was not read.",
        "{n} embedded objects were not read.",
    ),
    "attachments": (
        "{n} attachment was not read: {detail}.",
        "{n} attachments were not read: {detail}.",
    ),
    "equations": (
        "{n} equation was read as one line of text.",
        "{n} equations were read as one line of text each.",
    ),
    "text_boxes": (
        "{n} text box was read where the file stores it, which may not be where it is shown.",
        "{n} text boxes were read where the file stores them, which may not be where they are shown.",
    ),
    "sheets": (
        "{n} hidden sheet was left out: {detail}.",
        "{n} hidden sheets were left out: {detail}.",
    ),
    "slides": (
        "{n} hidden slide was left out: {detail}.",
        "{n} hidden slides were left out: {detail}.",
    ),
    "deleted": (
        "{n} passage that is deleted or struck through was left out; it is listed as hidden text.",
        "{n} passages that are deleted or struck through were left out; they are listed as hidden text.",
    ),
    "comments": (
        "{n} comment was left out.",
        "{n} comments were left out.",
    ),
    "hidden": (
        "{n} text that a reader does not see was left out; it is listed as hidden text.",
        "{n} texts that a reader does not see were left out; they are listed as hidden text.",
    ),
    "collapsed": (
        "{n} collapsed part was read; a visitor sees it after a click.",
        "{n} collapsed parts were read; a visitor sees them after a click.",
    ),
    "buttons": (
        "The label of {n} button or list of choices was left out.",
        "The labels of {n} buttons or lists of choices were left out.",
    ),
    "margin_numbers": (
        "{n} number of a line or page was left out.",
        "{n} numbers of lines or pages were left out.",
    ),
    "furniture": (
        "{n} part that repeats on every page of a site (menu, banner, footer) was left out.",
        "{n} parts that repeat on every page of a site (menus, banners, footers) were left out.",
    ),
}
CODES = frozenset(_SENTENCES)


@dataclass(slots=True)
class Losses:
    """Counts what was lost, by code."""

    counts: dict[str, int] = field(default_factory=dict)
    details: dict[str, list[str]] = field(default_factory=dict)
    hint: str = ""  # advice on pages without text

    def add(self, code: str, count: int = 1, detail: str = "") -> None:
        """Count a loss.

        Args:
            code: one of CODES.
            count: how many; 0 adds nothing.
            detail: what was lost, for codes whose sentence names it.

        Raises:
            KeyError: there is no such code.
        """
        if code not in CODES:
            raise KeyError(code)
        if count:
            self.counts[code] = self.counts.get(code, 0) + count
        known = self.details.setdefault(code, [])
        if detail and detail not in known and len(known) < MAX_DETAILS:
            known.append(detail)

    def take(self, other: "Losses") -> None:
        """Add the losses of a part of the document."""
        for code, count in other.counts.items():
            self.add(code, count)
            for detail in other.details[code]:
                self.add(code, 0, detail)

    def report(self) -> list[dict[str, str | int]]:
        """Return the losses as JSON: `code`, `count`, `detail` and `note`, a sentence for people."""
        report: list[dict[str, str | int]] = []
        for code, sentences in _SENTENCES.items():
            if not (count := self.counts.get(code, 0)):
                continue
            detail = _shortened(self.details[code])
            sentence = sentences[count != 1].format(n=f"{count:,}", detail=detail, hint=self.hint)
            report.append({"code": code, "count": count, "detail": detail, "note": sentence.strip()})
        return report


def _shortened(details: list[str]) -> str:
    text = ", ".join(details)
    return text if len(text) <= MAX_DETAIL_CHARS else text[: MAX_DETAIL_CHARS - 1] + "…"
