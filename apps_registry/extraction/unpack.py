"""Takes a zip apart, within limits. Runs in the limited child process only.

Writes frames: the length of a name (4 bytes, big-endian), the name, the length of the content (8 bytes), the
content. An empty name ends the stream, so that one which broke off is noticed.
"""

import io
import struct
import zipfile
from typing import BinaryIO

from apps_registry.extraction.blocks import (
    MAX_FILE_BYTES,
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    MIN_BYTES_FOR_RATIO,
    UnreadableError,
    clean_line,
)
from apps_registry.extraction.names import KINDS, MAX_NAME_CHARS, is_litter, suffix

MAX_MEMBERS = 2000
HEADER = struct.Struct(">I")
LENGTH = struct.Struct(">Q")


def unpack(data: bytes, out: BinaryIO) -> None:
    """Write the readable members of a zip; others are left out.

    Raises:
        UnreadableError: it is no zip, is encrypted, or unpacks to more than the limits.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise UnreadableError("The file's name says zip, but its content is not one, or is damaged.") from None
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UnreadableError(f"The zip holds {len(infos):,} files; {MAX_MEMBERS:,} is the limit.")
    budget = min(MAX_UNPACKED_BYTES, max(MIN_BYTES_FOR_RATIO, len(data) * MAX_RATIO))
    for info in infos:
        name = clean_line(info.filename)[-MAX_NAME_CHARS:]
        if info.is_dir() or is_litter(name) or suffix(name) not in KINDS:
            continue
        if info.flag_bits & 1:
            raise UnreadableError("The zip is encrypted: make one without a password.")
        content = _member(archive, info, budget)
        budget -= len(content)
        _write(out, name.encode(), content)
    _write(out, b"", b"")


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: int) -> bytes:
    """Return a member, never more than its limits whatever its header claims."""
    with archive.open(info) as member:
        content = member.read(min(MAX_FILE_BYTES, budget) + 1)
    if len(content) > budget:
        raise UnreadableError("The zip unpacks to far more than its size; it looks like a zip bomb.")
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(f"A file in the zip is larger than {MAX_FILE_BYTES // 2**20} MB.")
    return content


def _write(out: BinaryIO, name: bytes, content: bytes) -> None:
    out.write(HEADER.pack(len(name)) + name + LENGTH.pack(len(content)))
    out.write(content)


def read_frames(source: BinaryIO) -> list[tuple[str, int, int]]:
    """Return (name, offset, length) of each member that `unpack` wrote; contents stay where they are.

    Raises:
        UnreadableError: the stream broke off.
    """
    found: list[tuple[str, int, int]] = []
    while len(header := source.read(HEADER.size)) == HEADER.size:
        name = source.read(HEADER.unpack(header)[0]).decode()
        (length,) = LENGTH.unpack(source.read(LENGTH.size))
        if not name:
            return found
        found.append((name, source.tell(), length))
        source.seek(length, io.SEEK_CUR)
    raise UnreadableError("The zip could not be read to its end.")
