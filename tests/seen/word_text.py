"""What Word shows but does not store as plain text: symbols, numbers, notes, headers and footers, equations."""

from tests.apps_registry.retrieval.files import WORD, archive
from tests.seen.documents import File
from tests.seen.office import ECMA, NAMESPACES, NOTES, STRICT, TEXTBOX, body, cell, doc, par, run, style, styles, table

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_OFFICE = "http://purl.oclc.org/ooxml/officeDocument/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def level(number: int, text: str, form: str = "decimal", more: str = "") -> str:
    return f'<w:lvl w:ilvl="{number}"><w:start w:val="1"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/></w:lvl>'


def lists(*levels: str, more: str = "") -> tuple[str, str]:
    made = f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>{more}'
    return ("word/numbering.xml", f'<w:numbering xmlns:w="{WORD}">{made}</w:numbering>')


def item(text: str, at: int = 0, number: int = 1, more: str = "") -> str:
    return par(text, properties=f'{more}<w:numPr><w:ilvl w:val="{at}"/><w:numId w:val="{number}"/></w:numPr>')


def relations(*pairs: tuple[str, str], space: str = OFFICE) -> str:
    made = "".join(
        f'<Relationship Id="r{n}" Type="{space}/{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(pairs)
    )
    return f'<Relationships xmlns="{PACKAGE}">{made}</Relationships>'


def around(kind: str, *blocks: str) -> str:
    return f"<w:{kind} {NAMESPACES}>{''.join(blocks)}</w:{kind}>"


CONTRACT = lists(
    level(0, "%1."), level(1, "%1.%2"), level(2, "(%3)", "lowerLetter"), level(3, "Annex %4", "upperRoman")
)
FRACTION = "<m:f><m:num><m:r><m:t>a+b</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
POWER = "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>"
ROOT = "<m:rad><m:deg/><m:e><m:r><m:t>y</m:t></m:r></m:e></m:rad>"
SUM = '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub><m:r><m:t>i=1</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup><m:e><m:r><m:t>i</m:t></m:r></m:e></m:nary>'
PARTS_OF_WORD_ONLINE = [
    ("[Content_Types].xml", "<Types/>"),
    ("_rels/.rels", relations(("officeDocument", "word/document2.xml"))),
    ("word/_rels/document2.xml.rels", relations(("styles", "styles2.xml"), ("numbering", "/word/numbering2.xml"))),
    ("word/styles2.xml", styles(style("T1", "heading 1"))[1]),
    ("word/numbering2.xml", CONTRACT[1]),
    ("word/document2.xml", body(item("Terms", more='<w:pStyle w:val="T1"/>'), par("Quince"))),
]

WORD_TEXT: dict[str, File] = {
    "hyphens, tabs and line ends": doc(
        f"{ECMA} 17.3.3",
        body(
            par(
                "<w:r><w:t>AX</w:t><w:noBreakHyphen/><w:t>7731</w:t><w:ptab/><w:t>b</w:t><w:cr/><w:t>c</w:t></w:r>",
            ),
        ),
        "AX-7731\tb\nc",
    ),
    "a second title": doc(
        f"{ECMA} 17.7.4.9",
        body(
            par("Garden", properties='<w:pStyle w:val="T"/>'),
            par("Part two", properties='<w:pStyle w:val="T"/>'),
            par("x"),
        ),
        "Part two",
        parts=(styles(style("T", "Title")),),
        title="Garden",
    ),
    "nothing but a title": doc(
        f"{ECMA} 17.7.4.9",
        body(par("Garden", properties='<w:pStyle w:val="T"/>')),
        "Garden",
        parts=(styles(style("T", "Title")),),
    ),
    "symbols of fonts": doc(
        f"{ECMA} 17.3.3.30",
        body(
            par(
                '<w:r><w:sym w:font="Wingdings" w:char="F0FC"/><w:t> done, </w:t><w:sym w:font="Symbol" w:char="F061"/>'
                '<w:sym w:font="Symbol" w:char="F0B3"/><w:t>7 </w:t><w:sym w:font="Arial" w:char="00E9"/></w:r>'
            )
        ),
        "✓ done, α≥7 é",
    ),
    "the numbers of a contract": doc(
        f"{ECMA} 17.9",
        body(
            item("Terms", more='<w:pStyle w:val="H1"/>'),
            item("Payment", 1),
            item("within a week", 2),
            item("in euros", 2),
            item("Delivery", 1),
            item("by sea", 2),
            item("Liability", more='<w:pStyle w:val="H1"/>'),
            item("None", 1),
            item("Prices", 3),
            par("Unnumbered", properties='<w:numPr><w:numId w:val="0"/></w:numPr>'),
            table(cell(item("In a cell", 1)) + cell(par("x"))),
        ),
        "1.1 Payment\n\n(a) within a week\n\n(b) in euros\n\n1.2 Delivery\n\n(a) by sea",
        "2.1 None\n\nAnnex I Prices\n\nUnnumbered\n\n2.2 In a cell | x",
        parts=(styles(style("H1", "heading 1")), CONTRACT),
        headings=("1. Terms", "2. Liability"),
    ),
    "numbers by style, continued and restarted": doc(
        f"{ECMA} 17.9.18",
        body(
            par("First", properties='<w:pStyle w:val="Clause"/>'),
            par("Between"),
            par("Second", properties='<w:pStyle w:val="Clause"/>'),
            item("Third", number=2),
            par("Bullet", properties='<w:numPr><w:numId w:val="3"/></w:numPr>'),
        ),
        "§ 1 First",
        "§ 2 Second",
        "§ 5 Third",
        "Bullet",
        parts=(
            styles(
                style("Clause", "Clause", '<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr>'),
            ),
            lists(
                level(0, "§ %1"),
                more='<w:num w:numId="2"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="5"/>'
                "</w:lvlOverride></w:num>",
            ),
        ),
    ),
    "notes next to what they explain": doc(
        f"{ECMA} 17.11",
        body(
            par("Ripe late", '<w:r><w:footnoteReference w:id="2"/></w:r>'),
            par("Next", properties='<w:outlineLvl w:val="0"/>'),
            par("End."),
        ),
        "Ripe late\n\nBefore the frost.",
        "End.",
        parts=(NOTES,),
        headings=("", "Next"),
    ),
    "headers and footers, once": doc(
        f"{ECMA} 17.10",
        body(par("Text")),
        "Text",
        "Quince Ltd, confidential",
        parts=(
            (
                "word/_rels/document.xml.rels",
                relations(*(("header", f"header{n}.xml") for n in (1, 2)), ("footer", "footer1.xml")),
            ),
            *((f"word/header{n}.xml", around("hdr", par("Quince Ltd, confidential"))) for n in (1, 2)),
            ("word/footer1.xml", around("ftr", par("7"))),
        ),
        absent=("confidential\n\nQuince", "7"),
        headings=("", "Page headers and footers"),
    ),
    "equations": doc(
        f"{ECMA} 22.1",
        body(
            par(
                "So ", f"<m:oMath>{FRACTION}<m:r><m:t>=</m:t></m:r>{POWER}</m:oMath>", f"<m:oMath>{ROOT}{SUM}</m:oMath>"
            )
        ),
        "So (a+b)/2=x^2√(y)∑_(i=1)^n i",
    ),
    "earlier properties of tracked changes": doc(
        f"{ECMA} 17.13.5.31",
        body(par(run("Seen", "<w:rPrChange><w:rPr><w:vanish/></w:rPr></w:rPrChange>"))),
        "Seen",
    ),
    "a box in the text, once": doc(
        f"{ECMA} 17.17.1", body(par("Out ", TEXTBOX.format(par("boxed")))), "boxed", "Out", absent=("boxed\n\nboxed",)
    ),
    "a document of Word Online": File(
        "github.com/python-openxml/python-docx/issues/1105",
        "docx",
        archive(PARTS_OF_WORD_ONLINE),
        ("Quince",),
        headings=("1. Terms",),
    ),
    "the strict form, with its styles": File(
        "ISO/IEC 29500-1 Strict",
        "docx",
        archive(
            [
                ("_rels/.rels", relations(("officeDocument", "word/document.xml"), space=STRICT_OFFICE)),
                ("word/_rels/document.xml.rels", relations(("styles", "s.xml"), space=STRICT_OFFICE)),
                ("word/s.xml", styles(style("T1", "heading 1"))[1].replace(WORD, STRICT)),
                (
                    "word/document.xml",
                    body(
                        par("Trees", properties='<w:pStyle w:val="T1"/>'), table(cell(par("a")) + cell(par("b")))
                    ).replace(WORD, STRICT),
                ),
            ]
        ),
        ("a | b",),
        headings=("Trees",),
    ),
    "reading aids above characters": doc(
        f"{ECMA} 17.3.3.25",
        body(par(f"<w:r><w:ruby><w:rt>{run('かん')}</w:rt><w:rubyBase>{run('漢')}</w:rubyBase></w:ruby></w:r>", "字")),
        "漢字",
    ),
}
