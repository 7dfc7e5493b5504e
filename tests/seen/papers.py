"""PDF files as programs write them: what is extracted from each, and what is not."""

import io
import zlib
from collections.abc import Mapping

from fpdf import FPDF
from pypdf import PdfReader, PdfWriter

from tests.seen.documents import File

ISO = "ISO 32000-2:2020"
WHOLE_PAGE = b"q 200 0 0 200 0 0 cm /I Do Q "
# One byte per letter: A to H are the letters of the Hebrew word shalom, a ligature, and a code without meaning.
MAP = b"""/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def
1 begincodespacerange <00> <FF> endcodespacerange
6 beginbfchar <41> <05E9> <42> <05DC> <43> <05D5> <44> <05DD> <45> <FB01> <46> <00AD> endbfchar
endcmap end end"""


def raw(
    content: bytes, *, page: bytes = b"", font: bytes = b"", catalog: bytes = b"", more: Mapping[int, bytes] = {}
) -> bytes:
    """Return a PDF with one page of this content; `more` are its objects from 7 on."""
    objects = {
        1: b"<</Type/Catalog/Pages 2 0 R %b>>" % catalog,
        2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        3: b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/MediaBox[0 0 200 200]/Resources<</Font<</F 5 0 R>>/XObject<</I 6 0 R>>"
        b"/Properties<</O 7 0 R>>>> %b>>" % page,
        4: b"<</Length %d>>\nstream\n%b\nendstream" % (len(content), content),
        5: b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica %b>>" % font,
        6: b"<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>\nstream\n\x80\nendstream",
        **more,
    }
    out, offsets = b"%PDF-1.7\n", []
    for number, made in sorted(objects.items()):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, made)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(offsets) + 1
    return (
        out
        + b"xref\n0 %d\n0000000000 65535 f \n" % size
        + table
        + b"trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n" % (size, len(out))
    )


def text(shown: str, at: str = "20 100", before: str = "") -> bytes:
    return f"q {before} BT /F 12 Tf {at} Td ({shown}) Tj ET Q\n".encode("latin-1")


def columns() -> bytes:
    """Return two columns, one after the other."""
    left = b"".join(text(f"left {n}", f"10 {190 - 14 * n}") for n in range(4))
    return raw(left + b"".join(text(f"right {n}", f"110 {190 - 14 * n}") for n in range(4)))


def locked(algorithm: str) -> bytes:
    """Return an encrypted PDF that has only an owner password."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(raw(text("Quince")))))
    writer.encrypt("", "owner", algorithm=algorithm)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def of_fpdf() -> bytes:
    paper = FPDF()
    paper.add_page()
    paper.set_font("helvetica", size=12)
    paper.set_fill_color(0, 0, 90)
    paper.set_text_color(255, 255, 255)
    paper.cell(60, 10, "Sort", fill=True)
    return bytes(paper.output())


def stream(content: bytes, entries: bytes = b"") -> bytes:
    return b"<<%b/Length %d>>\nstream\n%b\nendstream" % (entries, len(content), content)


TO_UNICODE = b"/ToUnicode 7 0 R"
WAIT = (
    "Please wait... If this message is not eventually replaced by the proper contents of the document, your PDF viewer"
)


def paper(source: str, data: bytes, *texts: str, **more: object) -> File:
    return File(source, "pdf", data, texts, **more)  # type: ignore[arg-type]


def columns_in_turn() -> bytes:
    """Return two columns of prose whose lines alternate in the file, between a title and a footer."""
    lines = "".join(
        (
            text(f"the left column, line {n} of six", f"20 {160 - 14 * n}")
            + text(f"the right column, line {n} of six", f"320 {160 - 14 * n}")
        ).decode()
        for n in range(6)
    )
    return raw(text("A title over both", "100 190") + lines.encode() + text("A footer", "100 20"))


def table_in_turn() -> bytes:
    """Return a table, whose cells are short."""
    return raw(
        b"".join(text(f"AX-{n}", f"20 {160 - 14 * n}") + text(f"{n} EUR", f"120 {160 - 14 * n}") for n in range(8))
    )


def hyphenated(*lines: str) -> bytes:
    return raw(b"".join(text(line, f"10 {190 - 14 * n}") for n, line in enumerate(lines)))


def row_of_numbers() -> bytes:
    """Return a row of a table as spreadsheets print it, with little space between the columns, and a raised number."""
    cells = {10: "(1) -40 (4)", 24: "(0)", 33: "(2) -40 (,) -40 (248)", 52: "(1) -40 (,135)", 72: "(40)"}
    drawn = "".join(f"q BT -0.014 Tc 6 0 0 6 {x} 100 Tm /F 1 Tf [{shown}] TJ ET Q\n" for x, shown in cells.items())
    raised = "BT /F 12 Tf 10 60 Td (Note) Tj /F 6 Tf 4 Ts (23) Tj 0 Ts /F 12 Tf (, held) Tj ET"
    return raw(f"{drawn}{raised}".encode())


PAPERS: dict[str, File] = {
    "numbers close to one another": paper(
        "github.com/jsvine/pdfplumber", row_of_numbers(), "14 0 2,248 1,135 40", "Note23, held"
    ),
    "columns whose lines are written in turn": File(
        ISO,
        "pdf",
        columns_in_turn(),
        (
            "A title over both",
            "the left column, line 4 of six\nthe left column, line 5 of six\n\nthe right column, line 0 of six",
            "the right column, line 5 of six",
            "A footer",
        ),
    ),
    "a table is no columns": File(ISO, "pdf", table_in_turn(), ("AX-3", "3 EUR", "AX-4", "4 EUR")),
    "words hyphenated at the end of a line": File(
        "en.wikipedia.org/wiki/Hyphen",
        "pdf",
        hyphenated(
            "The re-",
            "fund of order AX-",
            "7731 in Kauf- und Liefer-",
            "bedingungen, Kauf-",
            "und more. A",
            "cost-effective, cost-",
            "effective self-",
            "service.",
        ),
        (
            "refund of order AX-7731 in Kauf- und Lieferbedingungen, Kauf- und more",
            "cost-effective, cost-effective self-service",
        ),
    ),
    "two columns": paper(ISO + " 9.4", columns(), "left 0", "left 3", "right 0", "right 3"),
    "ligatures": paper(ISO + " 9.10", raw(text("Eg The"), font=TO_UNICODE, more={7: stream(MAP)}), "fi"),
    "a scan with recognised text": paper(
        "github.com/ocrmypdf/OCRmyPDF", raw(WHOLE_PAGE + text("Quince", before="").replace(b"BT", b"BT 3 Tr")), "Quince"
    ),
    "white text on a dark ground": paper(ISO + " 8.6", of_fpdf(), "Sort"),
    "white on black by hand": paper(ISO + " 8.6", raw(b"0 g 0 90 200 40 re f\n" + text("Sort", before="1 g")), "Sort"),
    "white on a picture": paper(ISO + " 8.9", raw(WHOLE_PAGE + text("Cover", before="1 g")), "Cover"),
    "large by its matrix": paper(ISO + " 9.4.2", raw(b"BT /F 1 Tf 12 0 0 12 20 100 Tm (Jam) Tj ET"), "Jam"),
    "letters and words apart by numbers": paper(
        ISO + " 9.4.3", raw(b"BT /F 12 Tf 20 100 Td [(H) -20 (ello) -300 (jam)] TJ ET"), "Hello jam"
    ),
    "rotated": paper(ISO + " 7.7.3", raw(text("Quince jam"), page=b"/Rotate 90"), "Quince jam"),
    "junk before the header": paper(
        ISO + " annex I", b"\xef\xbb\xbf\r\nHTTP/1.1 200 OK\r\n\r\n" + raw(text("Quince")), "Quince"
    ),
    "junk behind the end": paper(ISO + " 7.5.5", raw(text("Quince")) + b"\0" * 3000 + b"<!-- x -->", "Quince"),
    "a wrong place of the table": paper(
        ISO + " 7.5.4", raw(text("Quince")).replace(b"startxref\n", b"startxref\n1"), "Quince"
    ),
    "Hebrew in the order seen": paper(ISO + " 9.10", raw(text("DCBA"), font=TO_UNICODE, more={7: stream(MAP)}), "שלום"),
    "a form that only Acrobat shows": paper(
        "helpx.adobe.com (XFA)",
        raw(text(WAIT), catalog=b"/AcroForm<</XFA 7 0 R/Fields[]>>", more={7: stream(b"<xdp/>")}),
        refused="XFA",
    ),
    "glyph names": paper(
        "TeX's dvips, type 1 fonts", raw(text("o\\001ce"), font=b"/Encoding<</Differences[1/ffi]>>"), "office"
    ),
    "letters that nobody can name": paper(
        ISO + " 9.10.2",
        raw(b"BT /F 12 Tf 20 100 Td <000100020003000400050006> Tj ET", font=b"").replace(
            b"/Subtype/Type1/BaseFont/Helvetica",
            b"/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 600>>]",
        ),
        refused="no text",
    ),
    "a soft hyphen": paper(
        ISO + " 14.8.2.2.3",
        raw(text("ABCF\\ D").replace(b"\\ ", b" "), font=TO_UNICODE, more={7: stream(MAP)}),
        absent=("\xad",),
    ),
    "RC4 of 40 bits, no password to open": paper(ISO + " 7.6", locked("RC4-40"), "Quince"),
    "RC4 of 128 bits, no password to open": paper(ISO + " 7.6", locked("RC4-128"), "Quince"),
    "AES of 128 bits, no password to open": paper(ISO + " 7.6", locked("AES-128"), "Quince"),
    "AES of 256 bits, no password to open": paper(ISO + " 7.6", locked("AES-256"), "Quince"),
    "content in parts": paper(
        ISO + " 7.8.2",
        raw(b"", more={7: stream(b"BT /F 12 Tf 20 100"), 8: stream(b"Td (Quince) Tj ET")}).replace(
            b"/Contents 4 0 R", b"/Contents[7 0 R 8 0 R]"
        ),
        "Quince",
    ),
    "compressed twice": paper(
        ISO + " 7.4",
        raw(
            b"",
            more={
                7: stream(zlib.compress(text("Quince").hex().encode() + b">"), b"/Filter[/FlateDecode/ASCIIHexDecode]")
            },
        ).replace(b"/Contents 4 0 R", b"/Contents 7 0 R"),
        "Quince",
    ),
}
