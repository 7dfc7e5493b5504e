"""Office files with one example of each thing that a reader loses or leaves out."""

import io
from typing import Any

import openpyxl
import pptx
from openpyxl.chart import BarChart, Reference
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image as SheetImage
from openpyxl.styles import Font
from PIL import Image
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Emu

from tests.apps_registry.retrieval.files import archive, word_of
from tests.seen.kinds import cells, open_document
from tests.seen.office import TEXTBOX, body, par, run

STRUCK = "<w:strike/>"
MATH = "http://schemas.openxmlformats.org/officeDocument/2006/math"
DRAWING = "http://schemas.openxmlformats.org/drawingml/2006/main"
COMMENTS = (
    '<w:comments xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:comment/></w:comments>'
)


def picture() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("L", (60, 60), 128).save(out, "png")
    return out


def word() -> bytes:
    deleted = '<w:del w:id="1"><w:r><w:delText>gnome</w:delText></w:r></w:del>'
    drawn = "<w:r><w:drawing><a:blip/></w:drawing></w:r><w:r><w:object/></w:r>"
    sign = '<w:r><w:sym w:font="Nobody" w:char="F021"/></w:r>'
    xml = body(
        par("Five ", deleted, "seven ", run("gnome", STRUCK), "days", run("gnome", "<w:vanish/>")),
        par("Text ", drawn, sign, TEXTBOX.format(par("boxed")), "<m:oMath><m:r><m:t>a</m:t></m:r></m:oMath>"),
    )
    return word_of(xml, ("word/comments.xml", COMMENTS))


def workbook() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for row in (["Part", "Price"], ["AX", 7], ["BX", "=B2*2"], ["gnome", 1], ["gnome", 2]):
        sheet.append(row)
    sheet["A4"].font = Font(strike=True)
    sheet["A2"].comment = Comment("Really?", "Q")
    sheet.row_dimensions[5].hidden = True
    book.create_sheet("Costs").sheet_state = "hidden"
    sheet.add_image(SheetImage(picture()), "D1")
    chart = BarChart()
    chart.add_data(Reference(sheet, 2, 1, 2, 2))
    sheet.add_chart(chart, "F1")
    book.save(out)
    return out.getvalue()


def slides() -> bytes:
    show, out = pptx.Presentation(), io.BytesIO()
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = "Refunds"
    paragraph = slide.placeholders[1].text_frame.paragraphs[0]
    for text, strike in (("Five", "sngStrike"), ("Seven days", "noStrike")):
        part = paragraph.add_run()
        part.text = text
        part._r.get_or_add_rPr().set("strike", strike)
    math = f'<a:t xmlns:a="{DRAWING}" xmlns:m="{MATH}"><m:oMath><m:r><m:t>x+1</m:t></m:r></m:oMath></a:t>'
    paragraph._p.append(pptx.oxml.parse_xml(math.replace("a:t", "a:m")))
    hidden = slide.shapes.add_textbox(0, 0, 9, 9)
    hidden.text_frame.text = "gnome"
    hidden._element.nvSpPr.cNvPr.set("hidden", "1")
    slide.shapes.add_picture(picture(), 0, 0)
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["a"]
    data.add_series("s", (1,))  # type: ignore[no-untyped-call]
    slide.shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Emu(9), Emu(9), data)
    slide.shapes.add_ole_object(io.BytesIO(b"x"), "Package", 0, 0, icon_file=picture())
    wrapped = slide.shapes.add_textbox(0, 0, 9, 9)
    wrapped.text_frame.text = "Newer shape"
    space = "http://schemas.openxmlformats.org/markup-compatibility/2006"
    choice = pptx.oxml.parse_xml(f'<mc:AlternateContent xmlns:mc="{space}"><mc:Choice/></mc:AlternateContent>')
    slide.shapes._spTree.append(choice)
    choice[0].append(wrapped._element)
    show.slides.add_slide(show.slide_layouts[5])._element.set("show", "0")
    show.save(out)
    return out.getvalue()


STYLES = """<style:style style:name="S" style:family="{0}">
<style:text-properties style:text-line-through-style="solid"/></style:style>
<style:style style:name="T" style:family="{0}" style:parent-style-name="S"/>
<style:style style:name="H" style:family="{0}"><style:text-properties text:display="none"/></style:style>
<style:style style:name="X" style:family="table"><style:table-properties table:display="false"/></style:style>
<style:style style:name="P" style:family="drawing-page">
<style:drawing-page-properties presentation:visibility="hidden"/></style:style>"""
DRAWN = "<draw:frame><draw:image/></draw:frame><draw:frame><draw:object/><draw:image/></draw:frame>"
REMARK = "<office:annotation><text:p>Really?</text:p></office:annotation>"
SPANS = '<text:span text:style-name="T">gnome</text:span><text:span text:style-name="H">gnome</text:span>'


def text() -> bytes:
    change = "<text:changed-region><text:{0}><text:p>gnome</text:p></text:{0}></text:changed-region>"
    return open_document(
        f"<office:text><text:tracked-changes>{change.format('deletion')}{change.format('insertion')}</text:tracked-changes>"
        f"<text:p>Seven {SPANS}days{REMARK}{DRAWN}"
        "<draw:frame><draw:text-box><text:p>boxed</text:p></draw:text-box></draw:frame>"
        '</text:p><text:section text:display="none"><text:p>gnome</text:p></text:section></office:text>',
        STYLES.format("text"),
    )


def sheets() -> bytes:
    formula = '<table:table-cell table:formula="of:=A1"/>'
    struck = '<table:table-cell table:style-name="T"><text:p>gnome</text:p></table:table-cell>'
    remark = f"<table:table-cell><text:p>7</text:p>{REMARK}</table:table-cell>"
    return open_document(
        '<office:spreadsheet><table:table table:name="Prices"><table:table-column table:number-columns-repeated="2"/>'
        '<table:table-column table:visibility="collapse"/>'
        f"<table:table-row>{cells('Part', 'Price', 'gnome')}</table:table-row><table:table-row>{cells('AX')}{remark}"
        f"</table:table-row><table:table-row>{formula}{struck}</table:table-row>"
        f'<table:table-row table:visibility="filter">{cells("gnome")}</table:table-row>'
        f"<table:shapes>{DRAWN}<draw:custom-shape><text:p>boxed</text:p></draw:custom-shape></table:shapes></table:table>"
        f'<table:table table:name="Costs" table:style-name="X"><table:table-row>{cells("gnome")}</table:table-row>'
        "</table:table></office:spreadsheet>",
        STYLES.format("table-cell"),
    )


def show() -> bytes:
    page = (
        f"<draw:page>{REMARK}<draw:frame><draw:text-box><text:p>Seven days{SPANS}</text:p></draw:text-box></draw:frame>"
    )
    hidden = (
        '<draw:page draw:style-name="P"><draw:frame><draw:text-box><text:p>gnome</text:p></draw:text-box></draw:frame>'
    )
    return open_document(
        f"<office:presentation>{page}{DRAWN}</draw:page>{hidden}</draw:page></office:presentation>",
        STYLES.format("text"),
    )


def book(chapter: str) -> bytes:
    """Return a book with one chapter that exists, and one that is missing."""
    package = (
        '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="b" href="b.xhtml"'
        ' media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/><itemref idref="b"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
    return archive([("META-INF/container.xml", container), ("b.opf", package), ("a.xhtml", chapter)])
