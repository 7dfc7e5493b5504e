"""Names of files: which kinds are read, and what a document is called."""

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
    """Return a file name's ending in lower case, with its dot."""
    return PurePosixPath(name).suffix.lower()


def is_litter(name: str) -> bool:
    """Tell whether a file inside a folder or a zip is one that nobody means: hidden, or made by an archiver or Word."""
    parts = PurePosixPath(name).parts
    return any(part.startswith((".", "~$")) or part in _LITTER for part in parts)
