"""Zips as programs write them: their files keep their names, and unreadable ones are listed."""

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

from apps_registry.models import App, Document
from tests.apps_registry.retrieval import files
from tests.commands import Result


def renamed(name: str, stored: bytes) -> bytes:
    """A zip of one file whose name is these bytes, without a statement of their charset."""
    placeholder = b"x" * len(stored)
    return files.archive([(placeholder.decode(), name)]).replace(placeholder, stored)


def broken() -> bytes:
    packed = bytearray(files.archive([("good.txt", "fine"), ("bad.txt", "damaged on its way")]))
    packed[packed.index(b"bad.txt") + 10] ^= 0xFF
    return bytes(packed)


def of_method(method: int) -> bytes:
    """A zip whose second file names another compression method."""
    packed = bytearray(files.archive([("good.txt", "well"), ("odd.txt", "deflated 64")]))
    struct.pack_into("<H", packed, packed.index(b"odd.txt") - 22, method)
    struct.pack_into("<H", packed, packed.rindex(b"odd.txt") - 36, method)
    return bytes(packed)


def with_link() -> bytes:
    link = zipfile.ZipInfo("link.txt")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return files.archive([(link, "/etc/passwd"), ("a.txt", "no link")])  # type: ignore[list-item]


LITTER = ["__MACOSX/docs/._a.txt", "docs/._b.txt", "docs/Thumbs.db", "docs/~$report.docx", "docs/.DS_Store"]
ZIPS = {
    "litter.zip": files.archive([("docs/a.txt", "of a Mac"), *((name, "x") for name in LITTER)]),
    "mac.zip": renamed("UTF-8 unsaid", "Größe.txt".encode()),
    "dos.zip": renamed("of DOS", "Größe.txt".encode("cp437")),
    "slashes.zip": renamed("of old .NET", b"dir\\a.txt"),
    "paths.zip": files.archive([("/etc/p.txt", "absolute"), ("../../q.txt", "upwards"), ("./s//t.txt", "twice")]),
    "broken.zip": broken(),
    "method.zip": of_method(9),
    "link.zip": with_link(),
}


def test_zips_give_their_intended_files(manage: Callable[..., Result], app: App, tmp_path: Path) -> None:
    for name, data in ZIPS.items():
        (tmp_path / name).write_bytes(data)
    done = manage("ingest", app.slug, *(str(tmp_path / name) for name in ZIPS), "--wait", "--json")
    refused = {row["name"]: row["note"] for row in json.loads(done.out) if row["state"] != "ready"}
    assert set(Document.objects.filter(app=app).values_list("name", flat=True)) == {
        *("litter/docs/a.txt", "mac/Größe.txt", "dos/Größe.txt", "slashes/dir/a.txt"),
        *("paths/etc/p.txt", "paths/q.txt", "paths/s/t.txt", "broken/good.txt", "method/good.txt", "link/a.txt"),
    }
    assert refused == {
        "broken/bad.txt": "The file is damaged in the zip.",
        "method/odd.txt": "The file is compressed in a way that is not read (method 9).",
    }
