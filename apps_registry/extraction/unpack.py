"""Unpacks a zip within limits. Runs only in the limited child process.

Writes frames: the length of a name (4 bytes, big-endian), the name, whether the member can be read (1 byte), the
length of the content (8 bytes), and the content, or the reason why it cannot be read. An empty name ends the stream,
so that a truncated stream is detected.
"""

import io
import stat
import struct
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import BinaryIO

from apps_registry.extraction.blocks import (
    MAX_FILE_BYTES,
    MAX_RATIO,
    MAX_UNPACKED_BYTES,
    MIN_BYTES_FOR_RATIO,
    UnreadableError,
    clean_line,
)
from apps_registry.extraction.names import KINDS, MAX_NAME_CHARS, is_ignored, suffix

MAX_MEMBERS = 2000
HEADER = struct.Struct(">I")
LENGTH = struct.Struct(">?Q")
_UTF8_FLAG = 0x800


def unpack(data: bytes, out: BinaryIO) -> None:
    """Write the readable members of a zip; skip the others.

    Raises:
        UnreadableError: it is not a zip, is encrypted, or unpacks to more than the limits allow.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except zipfile.BadZipFile:
        raise UnreadableError("The file's name says zip, but its content is not one, or is damaged.") from None
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise UnreadableError(f"The zip contains {len(infos):,} files; {MAX_MEMBERS:,} is the limit.")
    budget = min(MAX_UNPACKED_BYTES, max(MIN_BYTES_FOR_RATIO, len(data) * MAX_RATIO))
    for info in infos:
        name = _name(info)
        if info.is_dir() or _is_link(info) or is_ignored(name) or suffix(name) not in KINDS:
            continue
        if info.flag_bits & 1:
            raise UnreadableError("The zip is encrypted: create it without a password.")
        try:
            content = _member(archive, info, budget)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            _write(out, name.encode(), b"The file is damaged in the zip.", can_be_read=False)
            continue
        except NotImplementedError:  # zipfile does not support the compression method
            reason = f"The file is compressed in a way that is not read (method {info.compress_type})."
            _write(out, name.encode(), reason.encode(), can_be_read=False)
            continue
        budget -= len(content)
        _write(out, name.encode(), content)
    _write(out, b"", b"")


def _name(info: zipfile.ZipInfo) -> str:
    """Return a member's name as a path within the zip, without parts such as `..` that lead outside of it."""
    name = info.filename
    if not info.flag_bits & _UTF8_FLAG:
        # The archiver of macOS writes UTF-8 without the flag; Python then decodes it as the DOS code page.
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return clean_line("/".join(part for part in parts if part not in {"/", "..", "."}))[-MAX_NAME_CHARS:]


def _is_link(info: zipfile.ZipInfo) -> bool:
    return stat.S_ISLNK(info.external_attr >> 16)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, budget: int) -> bytes:
    """Return a member, but never read more than the limits, whatever its header claims."""
    with archive.open(info) as member:
        content = member.read(min(MAX_FILE_BYTES, budget) + 1)
    if len(content) > budget:
        raise UnreadableError("The zip unpacks to far more than its size; it looks like a zip bomb.")
    if len(content) > MAX_FILE_BYTES:
        raise UnreadableError(f"A file in the zip is larger than {MAX_FILE_BYTES // 2**20} MB.")
    return content


def _write(out: BinaryIO, name: bytes, content: bytes, *, can_be_read: bool = True) -> None:
    out.write(HEADER.pack(len(name)) + name + LENGTH.pack(can_be_read, len(content)))
    out.write(content)


def read_frames(source: BinaryIO) -> list[tuple[str, bool, int, int]]:
    """Return (name, whether it can be read, offset, length) of each member, without reading the contents.

    Raises:
        UnreadableError: the stream is truncated.
    """
    frames: list[tuple[str, bool, int, int]] = []
    while len(header := source.read(HEADER.size)) == HEADER.size:
        name = source.read(HEADER.unpack(header)[0]).decode()
        can_be_read, length = LENGTH.unpack(source.read(LENGTH.size))
        if not name:
            return frames
        frames.append((name, can_be_read, source.tell(), length))
        source.seek(length, io.SEEK_CUR)
    raise UnreadableError("The zip could not be read completely.")
