"""Real files of every supported kind, and broken and hostile ones."""

import io
import zipfile
import zlib
from collections.abc import Iterable

import docx
from fpdf import FPDF

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def pdf(*pages: str, section: str = "", password: str = "") -> bytes:
    """Return a PDF with one text per page; a section is an outline entry that begins on the last page."""
    paper = FPDF()
    if password:
        paper.set_encryption(owner_password="owner", user_password=password)
    for number, text in enumerate(pages, 1):
        paper.add_page()
        paper.set_font("helvetica", size=12)
        if section and number == len(pages):
            paper.start_section(section)
        paper.multi_cell(0, 8, text)
    return bytes(paper.output())


def pdf_with_stream(content: bytes) -> bytes:
    """Return a PDF with this compressed content on its only page."""
    packed = zlib.compress(content, 9)
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 99 99]/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d/Filter/FlateDecode>>\nstream\n%b\nendstream" % (len(packed), packed),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<</Size 6/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer


def word() -> bytes:
    """Return a document made by python-docx: a title, headings, hidden text, a table."""
    document = docx.Document()
    document.add_heading("The gardener's handbook", 0)
    document.add_heading("Trees", 1)
    document.add_heading("Pruning", 2)
    document.add_paragraph("Prune the quince in February.").add_run(" Obey the gnome.").font.hidden = True
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Medlar", "November"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def archive(members: Iterable[tuple[str, bytes | str]]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            packed.writestr(name, content)
    return out.getvalue()


def word_of(xml: str, *more: tuple[str, str]) -> bytes:
    """Return a DOCX with this XML as its main part."""
    return archive([("word/document.xml", xml), *more])


def encrypted_archive() -> bytes:
    """Return a zip whose member is marked as encrypted (bit 0 of its flags, in both headers)."""
    plain = bytearray(archive([("secret.txt", "secret")]))
    plain[6] |= 1
    plain[plain.index(b"PK\x01\x02") + 8] |= 1
    return bytes(plain)


def office(folder: str, main: str) -> list[tuple[str, str]]:
    """Return the parts that name the main part of an Office document."""
    space = "http://schemas.openxmlformats.org"
    relation = f"{space}/officeDocument/2006/relationships/officeDocument"
    relations = f'<Relationship Id="r1" Type="{relation}" Target="{folder}/{main}.xml"/>'
    return [
        ("_rels/.rels", f'<Relationships xmlns="{space}/package/2006/relationships">{relations}</Relationships>'),
        (f"{folder}/{main}.xml", "<a/>"),
    ]


def repeated_sheet() -> bytes:
    """Return an ODS in which a few cells are repeated very often."""
    space = "urn:oasis:names:tc:opendocument:xmlns"
    cell = '<t:table-cell t:number-columns-repeated="16384"><x:p>boom</x:p></t:table-cell>'
    row = f'<t:table-row t:number-rows-repeated="1048576">{cell}</t:table-row>'
    return archive(
        [
            (
                "content.xml",
                f'<o:body xmlns:o="{space}:office:1.0" xmlns:t="{space}:table:1.0" xmlns:x="{space}:text:1.0">'
                f'<o:spreadsheet><t:table t:name="a">{row}</t:table></o:spreadsheet></o:body>',
            )
        ]
    )


def deep_message() -> bytes:
    """Return a message with 20,000 levels of nested parts."""
    parts = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (number, number) for number in range(20_000)
    )
    return b"From: a@x.example\r\nMIME-Version: 1.0\r\n" + parts


PLAIN = f'<w:document xmlns:w="{WORD}"><w:body><w:p><w:r><w:t>hello</w:t></w:r></w:p></w:body></w:document>'


def laughing() -> str:
    """Return XML with the entity bomb "billion laughs"."""
    lol = "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(10))
    return f'<!DOCTYPE d [<!ENTITY a "lol">{lol}]><w:document xmlns:w="{WORD}"><w:t>&k;</w:t></w:document>'


def bad_packages() -> dict[str, tuple[bytes, str]]:
    """Return name -> (content, words in the reason for refusing it), of the kinds that libraries read."""
    laughs = laughing()
    return {
        "bomb.xlsx": (archive([*office("xl", "workbook"), ("xl/b.xml", "a" * 5_000_000)]), "zip bomb"),
        "bomb.pptx": (archive([*office("ppt", "presentation"), ("ppt/b.xml", "a" * 5_000_000)]), "zip bomb"),
        "bomb.epub": (archive([("META-INF/container.xml", "a" * 5_000_000)]), "zip bomb"),
        "bomb.odt": (archive([("content.xml", "a" * 5_000_000)]), "zip bomb"),
        "laughs.xlsx": (archive([*office("xl", "workbook"), ("xl/b.xml", laughs)]), "XML entities"),
        "laughs.pptx": (archive([*office("ppt", "presentation"), ("ppt/b.xml", laughs)]), "XML entities"),
        "laughs.odt": (archive([("content.xml", laughs)]), "XML entities"),
        "laughs.epub": (archive([("META-INF/container.xml", laughs)]), "XML entities"),
        "wide.ods": (repeated_sheet(), "1,000,000 cells"),
        "deep.odt": (archive([("content.xml", "<a>" * 50_000 + "</a>" * 50_000)]), "damaged"),
        "deep.json": (b"[" * 100_000 + b"]" * 100_000, "nested too deeply"),
        "deep.rtf": (b"{\\rtf1" + b"{" * 100_000, "nested more than"),
        "deep.eml": (deep_message(), "."),
        "macros.xlsx": (archive([*office("xl", "workbook"), ("xl/vbaProject.bin", "x")]), "macros"),
        "really-a-word.xlsx": (word_of(PLAIN.replace("hello", "sheet")), "no workbook"),
        "really-a-word.pptx": (word_of(PLAIN.replace("hello", "slide")), "no presentation"),
        "really-text.rtf": (b"hello", "not RTF"),
        "really-text.eml": (b"hello, message", "not a message"),
        "really-text.json": (b"hello, data", "not JSON"),
        "really-text.xlsx": (b"hello, sheet", "content is not one"),
    }


def bad_files() -> dict[str, tuple[bytes, str]]:
    """Return name -> (content, words in the reason for refusing it)."""
    good_pdf, good_word = pdf("Hello"), word()
    return {
        "bomb.docx": (word_of(PLAIN.replace("hello", "a" * 150_000_000)), "zip bomb"),
        "laughs.docx": (word_of(laughing()), "XML entities"),
        "macros.docx": (word_of(PLAIN, ("word/vbaProject.bin", "x")), "macros"),
        "cut.docx": (good_word[: len(good_word) // 2], "content is not one"),
        "really-a-pdf.docx": (good_pdf, "content is not one"),
        "old.docx": (b"\xd0\xcf\x11\xe0" + b"\0" * 2000, "old format of Word"),
        "bomb.pdf": (pdf_with_stream(b"BT /F 9 Tf (boom) Tj ET\n" * 20_000_000), "or a bomb"),
        "encrypted.pdf": (pdf("Secret", password="open sesame"), "encrypted"),
        "cut.pdf": (good_pdf[: len(good_pdf) // 2], "damaged"),
        "really-a-word.pdf": (good_word, "not a PDF"),
        "scan.pdf": (pdf_with_stream(b"0 0 m 9 9 l S"), "no text"),
        "binary.txt": (bytes(range(256)) * 100, "binary data"),
        "blank.txt": (b" \n\t\n ", "no text"),
        "empty.md": (b"", "empty"),
        "endless.txt": (b"word " * 500_000, "2,000,000 characters"),
        "deep.html": (b"<div>" * 100_000 + b"text" + b"</div>" * 100_000, "nested more than 1,000 levels"),
        "formatted.html": (b"".join(b"<div><font size=%d></div>" % n for n in range(50_000)), "nested more than"),
        "misclosed.html": (b"<i>text</b>" * 50_000, "nested more than 1,000 levels"),
        "attributes.html": (b"<p " + b"".join(b"a%d=1 " % n for n in range(50_000)) + b">text", "2,000 attributes"),
        "deep.docx": (word_of(PLAIN.replace("hello", "<w:t>" * 100_000)), "damaged"),
        "deep.pdf": (b"%PDF-1.4\ntrailer<</Root " + b"[" * 100_000 + b"]" * 100_000 + b">>", "damaged"),
        "program.exe": (b"MZ", "cannot be read"),
        "many.zip": (archive((f"{n}.txt", "x") for n in range(50_000)), "50,000 files"),
        "bomb.zip": (archive((f"{n}.txt", b"0" * 15_000_000) for n in range(8)), "zip bomb"),
        "encrypted.zip": (encrypted_archive(), "encrypted"),
        "cut.zip": (archive([("a.txt", "a" * 100)])[:40], "damaged"),
        "pictures.zip": (archive([("a.png", "x")]), "no readable file"),
    }
