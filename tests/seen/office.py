"""Word documents as programs write them: what is extracted from each, and what is not."""

from tests.apps_registry.retrieval.files import WORD, archive, word_of
from tests.seen.documents import File

STRICT = "http://purl.oclc.org/ooxml/wordprocessingml/main"
NAMESPACES = (
    f'xmlns:w="{WORD}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    ' xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
    ' xmlns:v="urn:schemas-microsoft-com:vml" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"'
    ' xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
    ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"


def run(text: str, properties: str = "") -> str:
    made = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{made}<w:t xml:space="preserve">{text}</w:t></w:r>'


def par(*inner: str, properties: str = "") -> str:
    made = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{made}{''.join(part if part.startswith('<') else run(part) for part in inner)}</w:p>"


def body(*blocks: str) -> str:
    return f"<w:document {NAMESPACES}><w:body>{''.join(blocks)}</w:body></w:document>"


def cell(*blocks: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(blocks)}</w:tc>"


def table(*rows: str) -> str:
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"


def styles(*listed: str) -> tuple[str, str]:
    return ("word/styles.xml", f'<w:styles xmlns:w="{WORD}">{"".join(listed)}</w:styles>')


def style(id_: str, name: str, more: str = "", kind: str = "paragraph") -> str:
    return f'<w:style w:type="{kind}" w:styleId="{id_}"><w:name w:val="{name}"/>{more}</w:style>'


def doc(source: str, xml: str, *texts: str, parts: tuple[tuple[str, str], ...] = (), **more: object) -> File:
    return File(source, "docx", word_of(xml, *parts), texts, **more)  # type: ignore[arg-type]


TEXTBOX = (
    '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:txbx><w:txbxContent>{0}</w:txbxContent></wps:txbx>'
    "</w:drawing></mc:Choice><mc:Fallback><w:pict><v:textbox><w:txbxContent>{0}</w:txbxContent></v:textbox></w:pict>"
    "</mc:Fallback></mc:AlternateContent></w:r>"
)
FIELD = (
    '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "http://x.example" </w:instrText></w:r>'
    '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:t>the jam</w:t></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
)
NOTES = (
    "word/footnotes.xml",
    f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>'
    f'<w:footnote w:id="2">{par("Before the frost.")}</w:footnote></w:footnotes>',
)
ENDNOTES = (
    "word/endnotes.xml",
    f'<w:endnotes xmlns:w="{WORD}"><w:endnote w:id="2">{par("As Pliny says.")}</w:endnote></w:endnotes>',
)
COMMENTS = (
    "word/comments.xml",
    f'<w:comments xmlns:w="{WORD}"><w:comment w:id="0" w:author="Q">{par("Really?")}</w:comment></w:comments>',
)
MOVED = (
    f'<w:moveFrom w:id="1">{run("Pliny")}</w:moveFrom>',
    f'<w:moveTo w:id="2">{run("Pliny")}</w:moveTo>',
)
CFB = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 1000 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 500
ECMA = "ECMA-376-1:2016"

WORDS: dict[str, File] = {
    "headings that begin at the second level and skip": doc(
        f"{ECMA} 17.3.1.20",
        body(
            *(
                par(text, properties=f'<w:outlineLvl w:val="{level}"/>')
                for level, text in ((1, "Refunds"), (9, "1"), (1, "Shipping"), (9, "2"))
            ),
            *(
                par(text, properties=f'<w:outlineLvl w:val="{level}"/>')
                for level, text in ((3, "Air"), (9, "3"), (3, "Sea"), (9, "4"))
            ),
        ),
        headings=("Refunds", "Shipping", "Shipping > Air", "Shipping > Sea"),
    ),
    "tracked changes": doc(
        f"{ECMA} 17.13.5",
        body(
            par(
                "Pick in ",
                f'<w:ins w:id="1">{run("October")}</w:ins>',
                '<w:del w:id="2"><w:r><w:delText>May</w:delText></w:r></w:del>',
                ".",
            )
        ),
        "Pick in October.",
        absent=("May",),
    ),
    "moved text": doc(
        f"{ECMA} 17.13.5.25", body(par("a ", MOVED[0]), par("b ", MOVED[1])), "a", "b Pliny", absent=("a Pliny",)
    ),
    "a deleted paragraph mark": doc(
        f"{ECMA} 17.13.5.15", body(par("one", properties='<w:rPr><w:del w:id="1"/></w:rPr>'), par("two")), "one", "two"
    ),
    "comments": doc(
        f"{ECMA} 17.13.4",
        body(par('<w:commentRangeStart w:id="0"/>', "Jam", '<w:commentRangeEnd w:id="0"/>')),
        "Jam",
        parts=(COMMENTS,),
        absent=("Really?",),
    ),
    "footnotes and endnotes": doc(
        f"{ECMA} 17.11",
        body(
            par("Ripe late", '<w:r><w:footnoteReference w:id="2"/></w:r>', '<w:r><w:endnoteReference w:id="2"/></w:r>'),
            par("End."),
        ),
        "Ripe late",
        "Before the frost.",
        parts=(NOTES, ENDNOTES),
    ),
    "endnotes": doc(
        f"{ECMA} 17.11",
        body(par("Ripe late", '<w:r><w:endnoteReference w:id="2"/></w:r>')),
        "Ripe late",
        "As Pliny says.",
        parts=(ENDNOTES,),
    ),
    "a text box, once": doc(
        f"{ECMA} 17.17.1",
        body(par("Out ", TEXTBOX.format(par("boxed")))),
        "boxed",
        absent=("boxed\nboxed", "boxedboxed", "boxed\n\nboxed"),
    ),
    "a text box within a heading": doc(
        f"{ECMA} 17.17.1",
        body(par("Trees", TEXTBOX.format(par("boxed")), properties='<w:pStyle w:val="Heading1"/>'), par("Quince")),
        "boxed",
        "Quince",
        parts=(styles(style("Heading1", "heading 1")),),
        headings=("", "Trees"),
    ),
    "a text box within a cell": doc(
        f"{ECMA} 17.17.1", body(table(cell(par("a ", TEXTBOX.format(par("boxed")))) + cell(par("b")))), "a boxed | b"
    ),
    "a standard style that hides": doc(
        f"{ECMA} 17.7.4.17",
        body(par("gnome"), par(run("Seen", '<w:color w:val="000000"/>'))),
        "Seen",
        parts=(
            styles(
                style("N", "Normal", '<w:rPr><w:color w:val="FEFEFE"/></w:rPr>').replace(
                    "<w:style ", '<w:style w:default="1" '
                )
            ),
        ),
        hidden=("gnome",),
    ),
    "letters of one point": doc(
        f"{ECMA} 17.3.2.38",
        body(par("Seen ", run("gnome", '<w:sz w:val="2"/>'))),
        "Seen",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "white next to a shaded paragraph": doc(
        f"{ECMA} 17.3.1.31",
        body(
            table(
                cell(
                    par("a", properties='<w:shd w:val="clear" w:fill="000000"/>'),
                    par(run("gnome", '<w:color w:val="FFFFFF"/>')),
                )
            )
        ),
        "a",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "fields": doc(
        f"{ECMA} 17.16",
        body(par("See ", FIELD, ", ", f'<w:fldSimple w:instr=" PAGE ">{run("7")}</w:fldSimple>')),
        "See the jam, 7",
        absent=("HYPERLINK", "PAGE"),
    ),
    "content controls": doc(
        f"{ECMA} 17.5.2",
        body(
            f"<w:sdt><w:sdtContent>{par('block')}</w:sdtContent></w:sdt>",
            par(f"<w:sdt><w:sdtContent>{run('inline')}</w:sdtContent></w:sdt>"),
            f"<w:tbl><w:sdt><w:sdtContent><w:tr>{cell(par('row'))}<w:sdt><w:sdtContent>{cell(par('cell'))}</w:sdtContent></w:sdt></w:tr></w:sdtContent></w:sdt></w:tbl>",
        ),
        "block",
        "inline",
        "row",
        "cell",
    ),
    "links and smart tags": doc(
        f"{ECMA} 17.5.1.9",
        body(
            par(
                f"<w:hyperlink>{run('Jam')}</w:hyperlink>",
                " in ",
                f'<w:smartTag w:element="City">{run("Graz")}</w:smartTag>',
                f"<w:customXml>{run('!')}</w:customXml>",
            )
        ),
        "Jam in Graz!",
    ),
    "tabs, breaks and hyphens": doc(
        f"{ECMA} 17.3.3",
        body(
            par(
                "<w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>co</w:t><w:noBreakHyphen/><w:t>op</w:t><w:softHyphen/><w:t>er</w:t></w:r>"
            )
        ),
        "b\nc\nco",
        "-oper",
    ),
    "a word in pieces": doc(
        f"{ECMA} 17.13.8",
        body(par("Qui", '<w:proofErr w:type="spellStart"/>', "n", "<w:bookmarkStart/>", "ce jam")),
        "Quince jam",
    ),
    "headings in German": doc(
        "learn.microsoft.com/office/vba/api/word.wdbuiltinstyle",
        body(par("Bäume", properties='<w:pStyle w:val="berschrift1"/>'), par("Quitte")),
        "Quitte",
        parts=(styles(style("berschrift1", "heading 1")),),
        headings=("Bäume",),
    ),
    "headings by a style of one's own": doc(
        f"{ECMA} 17.7.4.3",
        body(par("Trees", properties='<w:pStyle w:val="Corp"/>'), par("Quince")),
        "Quince",
        parts=(
            styles(
                style("Heading1", "heading 1", '<w:pPr><w:outlineLvl w:val="0"/></w:pPr>'),
                style("Corp", "Corp H1", '<w:basedOn w:val="Heading1"/>'),
            ),
        ),
        headings=("Trees",),
    ),
    "headings by outline level": doc(
        f"{ECMA} 17.3.1.20",
        body(
            par("Trees", properties='<w:outlineLvl w:val="0"/>'),
            par("Fruit", properties='<w:pStyle w:val="X"/>'),
            par("Quince", properties='<w:outlineLvl w:val="9"/>'),
        ),
        "Quince",
        parts=(styles(style("X", "X", '<w:pPr><w:outlineLvl w:val="1"/></w:pPr>')),),
        headings=("Trees > Fruit",),
    ),
    "tables within tables": doc(
        f"{ECMA} 17.4",
        body(table(cell(par("left"), table(cell(par("in")) + cell(par("ner"))), par()) + cell(par("right")))),
        "left",
        "in",
        "ner",
        "right",
        absent=("inner",),
    ),
    "merged cells": doc(
        f"{ECMA} 17.4.85",
        body(
            table(
                cell(par("Sort"), properties='<w:vMerge w:val="restart"/>') + cell(par("A")),
                cell(par(), properties="<w:vMerge/>") + cell(par("B")),
            )
        ),
        "Sort | A",
        "B",
    ),
    "two paragraphs in a cell": doc(
        f"{ECMA} 17.4", body(table(cell(par("a"), par("b")) + cell(par("c")))), "a", "b", "c", absent=("ab",)
    ),
    "the strict form": doc(
        f"{ECMA} Part 4, and ISO/IEC 29500 Strict", body(par("Quince")).replace(WORD, STRICT), "Quince"
    ),
    "a main part of another name": File(
        "github.com/python-openxml/python-docx/issues/1105",
        "docx",
        archive(
            [
                ("[Content_Types].xml", "<Types/>"),
                (
                    "_rels/.rels",
                    f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type="{RELATION}" Target="/word/document2.xml"/></Relationships>',
                ),
                ("word/document2.xml", body(par("Quince"))),
            ]
        ),
        ("Quince",),
    ),
    "UTF-16 within": File(
        "w3.org/TR/xml/#charencoding",
        "docx",
        archive(
            [
                (
                    "word/document.xml",
                    b"\xff\xfe" + ('<?xml version="1.0" encoding="UTF-16"?>' + body(par("Kürbis"))).encode("utf-16-le"),
                )
            ]
        ),
        ("Kürbis",),
    ),
    "formulas": doc(
        f"{ECMA} 22.1",
        body(par("Area ", "<m:oMath><m:r><m:t>a=</m:t></m:r><m:r><m:t>b</m:t></m:r></m:oMath>")),
        "Area a=b",
    ),
    "hidden by a style": doc(
        f"{ECMA} 17.3.2.41",
        body(
            par(
                "Seen ",
                run("gnome", '<w:rStyle w:val="H"/>'),
                run("shown", '<w:rStyle w:val="H"/><w:vanish w:val="0"/>'),
            ),
            par("dwarf", properties='<w:pStyle w:val="P"/>'),
        ),
        "Seen shown",
        parts=(
            styles(
                style("H", "H", "<w:rPr><w:vanish/></w:rPr>", "character"),
                style("P", "P", "<w:rPr><w:vanish/></w:rPr>"),
            ),
        ),
        absent=("gnome", "dwarf"),
        hidden=("gnome", "dwarf"),
    ),
    "hidden on the web only": doc(f"{ECMA} 17.3.2.44", body(par("Jam", run(" 7", "<w:webHidden/>"))), "Jam 7"),
    "white on a blue cell": doc(
        f"{ECMA} 17.4.32",
        body(
            table(
                cell(par(run("Sort", '<w:color w:val="FFFFFF"/>')), properties='<w:shd w:val="clear" w:fill="1F4E79"/>')
                + cell(par(run("gnome", '<w:color w:val="FFFFFF"/>')))
            )
        ),
        "Sort",
        absent=("gnome",),
        hidden=("gnome",),
    ),
    "white on a shaded paragraph": doc(
        f"{ECMA} 17.3.1.31",
        body(par(run("Sort", '<w:color w:val="FFFFFF"/>'), properties='<w:shd w:val="clear" w:fill="000000"/>')),
        "Sort",
    ),
    "white by a theme on a table's style": doc(
        f"{ECMA} 17.7.6",
        body(
            f'<w:tbl><w:tblPr><w:tblStyle w:val="G"/></w:tblPr><w:tr>{cell(par(run("Sort", """<w:color w:val="FFFFFF" w:themeColor="background1"/>""")))}</w:tr></w:tbl>'
        ),
        "Sort",
        parts=(
            styles(
                style(
                    "G",
                    "Grid Table 4",
                    '<w:tblStylePr w:type="firstRow"><w:tcPr><w:shd w:val="clear" w:fill="4472C4"/></w:tcPr></w:tblStylePr>',
                    "table",
                )
            ),
        ),
    ),
    "white on a dark page": doc(
        f"{ECMA} 17.2.1",
        body(par(run("Night", '<w:color w:val="FFFFFF"/>'))).replace(
            "<w:body>", '<w:background w:color="000000"/><w:body>'
        ),
        "Night",
    ),
    "a style that is based on itself": doc(
        f"{ECMA} 17.7.4.3",
        body(par("Jam", properties='<w:pStyle w:val="A"/>')),
        "Jam",
        parts=(styles(style("A", "A", '<w:basedOn w:val="B"/>'), style("B", "B", '<w:basedOn w:val="A"/>')),),
    ),
    "from right to left": doc(
        f"{ECMA} 17.3.1.6", body(par(run("שלום עולם", "<w:rtl/>"), properties="<w:bidi/>")), "שלום עולם"
    ),
    "ruby": doc(
        f"{ECMA} 17.3.3.25",
        body(par(f"<w:r><w:ruby><w:rt>{run('かん')}</w:rt><w:rubyBase>{run('漢')}</w:rubyBase></w:ruby></w:r>", "字")),
        "漢",
    ),
    "behind a password": File("learn.microsoft.com/openspecs (MS-OFFCRYPTO)", "docx", CFB, refused="password"),
    "RTF": File("learn.microsoft.com/office (RTF specification 1.9.1)", "docx", rb"{\rtf1\ansi Quince}", refused="RTF"),
    "HTML": File(
        "support.atlassian.com (Export to Word)",
        "docx",
        b"<html xmlns:o='urn:schemas-microsoft-com:office:office'><p>Quince",
        refused="HTML",
    ),
    "a text document of LibreOffice": File(
        "docs.oasis-open.org/office/OpenDocument/v1.3",
        "docx",
        archive([("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", "<a/>")]),
        refused="OpenDocument",
    ),
    "a workbook": File(
        ECMA, "docx", archive([("[Content_Types].xml", "<Types/>"), ("xl/workbook.xml", "<a/>")]), refused="Excel"
    ),
}
