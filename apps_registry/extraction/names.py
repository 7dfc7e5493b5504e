"""File names: which kinds can be read, and which files are ignored."""

from pathlib import PurePosixPath

# File extension -> module of formats/.
KINDS = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "mdx",
    ".rst": "rst",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
    ".xlsx": "xlsx",
    ".pptx": "pptx",
    ".odt": "odf",
    ".ods": "odf",
    ".odp": "odf",
    ".rtf": "rtf",
    ".epub": "epub",
    ".eml": "eml",
    ".csv": "csv_table",
    ".tsv": "csv_table",
    ".json": "json_data",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
}
ARCHIVE = ".zip"
MAX_NAME_CHARS = 300
_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
READABLE = (
    "text (.txt, .md, .mdx, .rst), HTML (.html), PDF (.pdf), Office (.docx, .xlsx, .pptx), "
    "OpenDocument (.odt, .ods, .odp), RTF (.rtf), books (.epub), messages (.eml), data (.csv, .tsv, .json, .jsonl) "
    "and .zip of these"
)


def suffix(name: str) -> str:
    """Return a file name's extension in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()


def is_ignored(name: str) -> bool:
    """Tell whether to ignore a file in a folder or a zip: it is hidden, or an archiver or Word created it."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "~$")) or part in _LITTER for part in parts)
