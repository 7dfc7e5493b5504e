"""Tables as people make them: every cell keeps its column, even next to empty, merged or nested cells."""

from tests.seen.documents import HTML, File, page
from tests.seen.office import ECMA, body, cell, doc, par, table

SPAN = '<w:gridSpan w:val="{}"/>'
ABOVE = "<w:vMerge/>"
FROM_HERE = '<w:vMerge w:val="restart"/>'
PLANS = "<table><tr><th></th><th>Basic</th><th>Plus</th><th>Pro</th></tr>{}</table>"


def row(*texts: str) -> str:
    return "".join(cell(par(text)) for text in texts)


TABLES: dict[str, File] = {
    "Word: empty cells": doc(
        f"{ECMA} 17.4",
        body(
            table(row("", "Basic", "Plus", "Pro"), row("Storage", "", "50 GB", "200 GB"), row("Users", "1", "", "")),
        ),
        "| Basic | Plus | Pro\nStorage | | 50 GB | 200 GB\nUsers | 1 | |\n",
    ),
    "Word: cells merged over columns and rows": doc(
        f"{ECMA} 17.4.17",
        body(
            table(
                row("Region") + cell(par("Europe"), properties=SPAN.format(2)) + row("Asia"),
                cell(par("Air"), properties=FROM_HERE) + row("1", "2", "3"),
                cell(par(), properties=ABOVE) + row("4", "5", "6"),
                '<w:trPr><w:gridBefore w:val="1"/></w:trPr>' + row("7", "8", "9"),
            ),
        ),
        "Region | Europe | Europe | Asia\nAir | 1 | 2 | 3\nAir | 4 | 5 | 6\n| 7 | 8 | 9\n",
    ),
    "Word: cells merged in the old way": doc(
        f"{ECMA} 17.4.22",
        body(
            table(
                cell(par("Prices"), properties='<w:hMerge w:val="restart"/>')
                + cell(par(), properties="<w:hMerge/>")
                + row("Notes"),
                row("1", "2", "3"),
            )
        ),
        "Prices | Prices | Notes\n1 | 2 | 3",
    ),
    "Word: a title over the whole width": doc(
        f"{ECMA} 17.4.17",
        body(table(cell(par("Prices 2026"), properties=SPAN.format(3)), row("", "Jam", "Pie"), row("Small", "3", "4"))),
        "Prices 2026\n| Jam | Pie\nSmall | 3 | 4",
    ),
    "Word: a table within a cell": doc(
        f"{ECMA} 17.4",
        body(
            table(
                row("Plan", "Sizes"), cell(par("Basic")) + cell(par("by"), table(row("S", "3"), row("M", "4")), par())
            )
        ),
        "Plan | Sizes\nBasic | by [S, 3; M, 4]",
    ),
    "Word: a box around paragraphs": doc(
        f"{ECMA} 17.4", body(table(cell(par("Note"), par("Second.")))), "Note\n\nSecond."
    ),
    "Word: boxes within boxes": doc(
        f"{ECMA} 17.4",
        body(table(cell(table(cell(par("Note"), table(row("a", "b"), row("c", "d")))), par("End")))),
        "Note\n\na | b\nc | d\n\nEnd",
    ),
    "HTML: empty cells": page(
        f"{HTML}/#tables",
        PLANS.format("<tr><td>Storage<td><td>50 GB<td>200 GB<tr><td>Users<td>1<td><td>"),
        "| Basic | Plus | Pro\nStorage | | 50 GB | 200 GB\nUsers | 1 | |\n",
    ),
    "HTML: cells merged over columns and rows": page(
        f"{HTML}/#attributes-common-to-td-and-th-elements",
        "<table><tr><th>Region<th colspan=2>Europe<th>Asia<tr><th rowspan=2>Air<td>1<td>2<td rowspan=0>3<tr><td colspan=2>4"
        "<tr><td>Sea<td><td>6</table>",
        "Region | Europe | Europe | Asia\nAir | 1 | 2 | 3\nAir | 4 | 4 | 3\nSea | | 6 | 3\n",
    ),
    "HTML: a table within a cell": page(
        f"{HTML}/#tables",
        "<table><tr><th>Plan<th>Sizes<tr><td>Basic<td><p>by<table><tr><td>S<td>3<tr><td>M<td>4</table><tr><td>Pro<td></table>",
        "Plan | Sizes\nBasic | by [S, 3; M, 4]\nPro |\n",
    ),
    "HTML: paragraphs, headings and bars in cells": page(
        f"{HTML}/#tables",
        "<table><tr><th><h3>Basic</h3><th><h3>Pro</h3><tr><td><p>One.<p>Two.<ul><li>x</ul><td>a|b</table>",
        "Basic | Pro\nOne. Two. x | a\\|b",
        headings=("",),
    ),
    "HTML: a table that only places things": page(
        f"{HTML}/#tables",
        "<table role=presentation><tr><td><h2>Menu</h2><p>Jam<td><h2>News</h2><p>Pie</table>",
        "Jam",
        "Pie",
        headings=("Menu", "News"),
    ),
    "HTML: hidden rows and cells": page(
        f"{HTML}/#tables",
        "<table><tr><th>A<th>B<tr hidden><td>gnome<td>1<tr><td>x<td style='display:none'>dwarf<td>y</table>",
        "A | B\nx | y\n",
        hidden=("gnome", "dwarf"),
    ),
    "HTML: a wide table": page(
        f"{HTML}/#tables",
        "<table><tr>"
        + "".join(f"<th>Year {n}" for n in range(2000, 2020))
        + "<tr><td>first<td><td>third</table><p>End.",
        "Year 2000: first\nYear 2002: third\n",
        "End.",
        absent=("Year 2001",),
    ),
}
