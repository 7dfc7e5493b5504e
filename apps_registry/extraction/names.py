"""File names: which kinds can be read, and which files are ignored."""

from pathlib import PurePosixPath

KINDS = {
    ".txt": "text",
    ".text": "text",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".pdf": "pdf",
    ".docx": "docx",
}
ARCHIVE = ".zip"
MAX_NAME_CHARS = 300
_LITTER = {"__MACOSX", "Thumbs.db", "desktop.ini"}
READABLE = "text (.txt), Markdown (.md), HTML (.html), PDF (.pdf), Word (.docx) and .zip of these"


def suffix(name: str) -> str:
    """Return a file name's extension in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()


def is_ignored(name: str) -> bool:
    """Tell whether to ignore a file in a folder or a zip: it is hidden, or an archiver or Word created it."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "~$")) or part in _LITTER for part in parts)
