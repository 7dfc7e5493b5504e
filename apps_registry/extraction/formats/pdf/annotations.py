"""Reads comments, form values and embedded files of a PDF (ISO 32000-2, 12.5, 12.7, 7.11.4)."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from pypdf import PageObject, PdfReader

from apps_registry.extraction.blocks import Reading, clean_line

MAX_ANNOTATIONS = 10_000
MAX_ANCESTORS = 20  # of a field
_MARKS = {"/Text", "/Highlight", "/Underline", "/StrikeOut", "/Squiggly", "/Ink", "/Line", "/Square", "/Circle"}
_MARKS |= {"/Polygon", "/PolyLine", "/Caret", "/Stamp"}
_MEDIA = {"/Screen", "/Movie", "/Sound", "/3D", "/RichMedia"}
_PASSWORD, _PUSH_BUTTON = 1 << 13, 1 << 16  # flags of fields


def page_annotations(page: PageObject, reading: Reading, seen: set[str]) -> list[str]:
    """Count the annotations of a page; return the texts that they show: values of fields, and text on the page.

    Args:
        page: the page.
        reading: gets the losses.
        seen: the names of the fields of earlier pages; a field may be on several.
    """
    texts: list[str] = []
    with suppress(Exception):  # a broken annotation must not make the page unreadable
        for annotation in _annotations(page):
            with suppress(Exception):
                texts += _one(annotation, reading, seen)
    return texts


def count_embedded_files(pdf: PdfReader, reading: Reading) -> None:
    """Count the files that are embedded in the document."""
    with suppress(Exception):
        for file in pdf.attachment_list:
            reading.losses.add("attachments", detail=clean_line(str(file.name)))


def _annotations(page: PageObject) -> Iterator[Any]:
    listed = page.get("/Annots")
    for reference in (listed.get_object() or [])[:MAX_ANNOTATIONS] if listed is not None else ():
        yield reference.get_object()


def _one(annotation: Any, reading: Reading, seen: set[str]) -> list[str]:
    kind, contents = annotation.get("/Subtype"), _text(annotation.get("/Contents")).strip()
    if kind == "/Widget":
        return _field(annotation, seen)
    if kind == "/FreeText" and contents:
        reading.losses.add("text_boxes")
        return [contents]
    if kind == "/FileAttachment":
        file = annotation.get("/FS", {}).get_object()
        reading.losses.add("attachments", detail=clean_line(_text(file.get("/UF") or file.get("/F"))))
    # A highlight without a remark is not a comment; a line through text is.
    reading.losses.add("comments", kind in _MARKS and (bool(contents) or kind in {"/StrikeOut", "/Text"}))
    reading.losses.add("objects", kind in _MEDIA)
    return []


def _field(widget: Any, seen: set[str]) -> list[str]:
    """Return the value of a field with its name; nothing for empty fields, buttons and passwords."""
    line = _line(widget)
    name = ".".join(_text(field["/T"]) for field in reversed(line) if "/T" in field)
    flags, value = int(_inherited(line, "/Ff") or 0), _inherited(line, "/V")
    if name in seen or value is None or flags & (_PASSWORD | _PUSH_BUTTON if _is_button(line) else _PASSWORD):
        return []
    shown = _choice(line, value) if not _is_button(line) else "" if value == "/Off" else str(value).lstrip("/")
    if not shown.strip():
        return []
    seen.add(name)
    label = clean_line(_text(_inherited(line, "/TU"))) or clean_line(name)
    return [f"{label}: {shown.strip()}" if label else shown.strip()]


def _is_button(line: list[Any]) -> bool:
    return bool(_inherited(line, "/FT") == "/Btn")


def _choice(line: list[Any], value: Any) -> str:
    """Return the text of a value; a list of choices may show other texts than the stored ones."""
    if _inherited(line, "/FT") == "/Sig":
        return ""
    options = [option.get_object() for option in _inherited(line, "/Opt") or ()]
    shown = {_text(option[0]): _text(option[1]) for option in options if isinstance(option, list) and len(option) == 2}
    values = value if isinstance(value, list) else [value]
    return ", ".join(shown.get(_text(one), _text(one)) for one in values)


def _line(field: Any) -> list[Any]:
    """Return a field and the fields that contain it."""
    line = [field]
    while "/Parent" in line[-1] and len(line) < MAX_ANCESTORS:
        line.append(line[-1]["/Parent"].get_object())
    return line


def _inherited(line: list[Any], name: str) -> Any:
    value = next((field[name] for field in line if name in field), None)
    return value.get_object() if value is not None else None


def _text(value: Any) -> str:
    value = value.get_object() if value is not None else ""
    return value.get_data().decode("utf-8", "replace") if hasattr(value, "get_data") else str(value)
