"""What a reader could not read or had to guess is reported: on the document's page, in the list, and to scripts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

from apps_registry.extraction import READER_VERSION
from apps_registry.models import App, Document, DocumentChunk, DocumentFile
from tests import needs
from tests.apps_registry.retrieval.conftest import Ingest
from tests.apps_registry.retrieval.files import word_of
from tests.commands import Result
from tests.seen.office import TEXTBOX, body, par

PAGES = "/admin/apps_registry/document/"
PICTURE = "<w:r><w:drawing><a:blip/></w:drawing></w:r>"
FORMULA = "<m:oMath><m:r><m:t>a</m:t></m:r></m:oMath>"


def test_losses_are_reported_to_scripts_and_operators(
    ingest: Ingest, manage: Callable[..., Result], admin_client: Client, app: App, tmp_path: Path
) -> None:
    word = word_of(body(par("Text ", PICTURE, PICTURE, TEXTBOX.format(par("boxed")), FORMULA)))
    russian = "Клиент может запросить возврат в течение тридцати дней.".encode("cp1251")
    broken = ("Grüße aus Zürich. " * 20).encode() + b"\x81"
    report = {row["name"]: row for row in ingest({"a.docx": word, "b.txt": russian, "c.txt": broken, "d.txt": "All."})}
    assert {row["state"] for row in report.values()} == {"ready"}
    assert {loss["code"]: loss["count"] for loss in report["a.docx"]["losses"]} == {
        "images": 2,
        "equations": 1,
        "text_boxes": 1,
    }
    (guess,) = report["b.txt"]["losses"]
    assert guess["note"] == "The file does not declare its encoding; it was read as Windows-1251 (Cyrillic)."
    (bad,) = report["c.txt"]["losses"]
    assert (bad["code"], bad["count"], bad["detail"]) == ("bad_characters", 1, "0.3%")
    assert report["d.txt"]["losses"] == []

    shown = admin_client.get(f"{PAGES}{Document.objects.get(app=app, name='a.docx').pk}/change/").content.decode()
    assert "2 pictures were not read." in shown
    assert "1 equation was read as one line of text." in shown
    listed = admin_client.get(f"{PAGES}?app__id__exact={app.pk}").content.decode()
    assert "2 pictures were not read. And 2 more notes." in listed
    assert "read as Windows-1251 (Cyrillic)" in listed
    (tmp_path / "e.docx").write_bytes(word_of(body(par("Other ", PICTURE))))
    done = manage("ingest", app.slug, str(tmp_path / "e.docx"), "--wait")
    assert "- 1 picture was not read." in done.out


def test_a_page_shows_what_was_collapsed_and_left_out(ingest: Ingest) -> None:
    page = (
        "<nav><a href=a>Menu</a></nav><h1>T</h1><p>Text.<img src=a><img src=b width=1><iframe src=c></iframe>"
        "<details><summary>Q</summary>A</details><button>Buy</button><p>Fee <del>5 %</del><ins>7 %</ins><p hidden>gnome"
    )
    (row,) = ingest({"a.html": page})
    losses = {loss["code"]: loss["count"] for loss in row["losses"]}
    assert losses == {
        "furniture": 1,
        "images": 1,
        "objects": 1,
        "collapsed": 1,
        "buttons": 1,
        "hidden": 1,
        "deleted": 1,
    }


def test_the_operator_names_an_encoding_that_cannot_be_guessed(ingest: Ingest, app: App, admin_client: Client) -> None:
    data = "品名,單價\n螺絲,5\n".encode("cp932")
    (row,) = ingest({"prices.csv": data})
    assert (row["state"], row["note"].endswith("It may be Shift JIS (Japanese).")) == ("failed", True)
    (row,) = ingest({"prices.csv": data}, "--encoding", "Shift_JIS")
    assert (row["state"], row["losses"]) == ("ready", [])
    (row,) = ingest({"others.csv": "ボルト".encode("cp932")}, "--encoding", "big5")
    assert (row["state"], row["note"]) == ("refused", "The file is not in the encoding Big5 (Chinese).")
    file = SimpleUploadedFile("parts.csv", "ナット,5\n".encode("cp932"))
    admin_client.post(f"{PAGES}add/", {"app": app.pk, "tags": "", "encoding": "cp932", "uploads": [file]})
    for document in (Document.objects.get(app=app, name="prices.csv"), Document.objects.get(app=app, name="parts.csv")):
        assert bytes(DocumentFile.objects.get(document=document).data).decode().endswith(",5\n")


def scan(*marks: str) -> bytes:
    """Return a PDF whose pages are pictures, each with its mark as text over it unless the mark is empty."""
    paper = FPDF()
    for mark in marks:
        paper.add_page()
        paper.image(Image.new("L", (500, 700), 128), 0, 0, 210, 297)
        if mark:
            paper.set_font("helvetica", size=12)
            paper.multi_cell(0, 8, mark)
    return bytes(paper.output())


@pytest.mark.thorough
def test_pages_without_text_are_reported(ingest: Ingest) -> None:
    words = "This page has text of its own, as long as a sentence or two. " * 5
    report = ingest(
        {
            "mark.pdf": scan("Scanned by the archive of the town of Graz, 2026. All rights reserved."),
            "marks.pdf": scan(*["Scanned by the archive"] * 4),
            "some.pdf": scan(words, "", "", "", words, ""),
            "text.pdf": scan(words, words),
        }
    )
    notes = {row["name"]: [loss["note"] for loss in row["losses"] if loss["code"] == "page_text"] for row in report}
    assert notes["mark.pdf"][0].startswith("1 page has no text and was not read: 1. Run text recognition")
    assert notes["marks.pdf"][0].startswith("4 pages have no text and were not read: 1-4.")
    assert notes["some.pdf"][0].startswith("4 pages have no text and were not read: 2-4, 6.")
    assert notes["text.pdf"] == []


def test_a_scan_is_read_where_tesseract_is_installed(ingest: Ingest) -> None:
    needs.program("tesseract", package="tesseract-ocr")
    picture = Image.new("L", (1200, 400), 255)
    ImageDraw.Draw(picture).text((60, 150), "Refunds take five days", fill=0, font=ImageFont.load_default(size=80))
    paper = FPDF()
    paper.add_page()
    paper.image(picture, 10, 10, 190)
    (row,) = ingest({"scan.pdf": bytes(paper.output())})
    assert row["losses"][0]["code"] == "recognised"
    assert DocumentChunk.objects.get(document=row["id"]).text == "Refunds take five days"


def test_a_document_of_an_older_reader_says_so(ingest: Ingest, admin_client: Client, app: App) -> None:
    ingest({"a.txt": "alpha", "b.txt": "beta"})
    assert set(Document.objects.filter(app=app).values_list("reader_version", flat=True)) == {READER_VERSION}
    Document.objects.filter(app=app, name="a.txt").update(reader_version=READER_VERSION - 1)
    listed = admin_client.get(f"{PAGES}?app__id__exact={app.pk}").content.decode()
    assert listed.count("An older version of the server read it") == 1


def test_json_of_a_refused_file_has_the_same_fields(manage: Callable[..., Result], app: App, tmp_path: Path) -> None:
    (tmp_path / "a.exe").write_bytes(b"MZ")
    done = manage("ingest", app.slug, str(tmp_path / "a.exe"), "--wait", "--json")
    (row,) = json.loads(done.out)
    assert (row["state"], row["losses"]) == ("refused", [])
