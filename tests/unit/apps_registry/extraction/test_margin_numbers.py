"""Numbers of lines and pages in the margin do not become part of the words next to them."""

import pytest

from tests.apps_registry.retrieval.files import archive
from tests.unit.apps_registry.extraction.reading import losses_of, read, text_of

BOOK = (
    '<package><manifest><item id="a" href="text/a.xhtml" media-type="application/xhtml+xml"/></manifest>'
    '<spine><itemref idref="a"/></spine></package>'
)
CONTAINER = '<container><rootfiles><rootfile full-path="b.opf"/></rootfiles></container>'
VERSES = (
    "<html><head><link href='../poem%20style.css' type='text/css' rel='stylesheet'/></head><body><p>"
    "Arma virum<span class='ln'>5</span><br/>cano<span class='ln'>10</span> Troiae.<br/>"
    "In 12 books<span class='x'>17</span>.</p></body></html>"
)


def book(style: str) -> bytes:
    return archive(
        [
            *(("META-INF/container.xml", CONTAINER), ("b.opf", BOOK), ("text/a.xhtml", VERSES)),
            ("poem style.css", style),
        ]
    )


@pytest.mark.parametrize("style", [".ln{float:right}", "span.ln { position: absolute; left: 2% }"])
def test_numbers_that_the_style_of_a_book_moves_into_the_margin_are_left_out(style: str) -> None:
    reading = read("epub", book(style))
    assert text_of(reading) == "Arma virum\ncano Troiae.\nIn 12 books17."
    assert losses_of(reading) == {"margin_numbers": 2}


@pytest.mark.parametrize(
    "number",
    [
        '<span class="linenum">5</span>',
        '<span class="pagenum">[Pg 12]</span>',
        '<a id="p12" role="doc-pagebreak">12</a>',
        '<span epub:type="pagebreak" title="12">12</span>',
    ],
)
def test_numbers_of_lines_and_pages_by_name_are_left_out(number: str) -> None:
    reading = read("html", f"<p>The quoted pri{number}ce is 12 EUR.</p>")
    assert (text_of(reading), losses_of(reading)) == ("The quoted price is 12 EUR.", {"margin_numbers": 1})


def test_other_numbers_at_the_edge_stay_and_are_separated() -> None:
    page = (
        "<style>.price{float:right}.cap{float:left}</style><p><span class=cap>T</span>ea<span class=price>5</span></p>"
        "<p>Coffee<span class=price>15</span>each</p><p>Cake<span class=price>3.50</span></p>"
    )
    reading = read("html", page)
    assert text_of(reading).split() == ["Tea", "5", "Coffee", "15", "each", "Cake", "3.50"]
    assert losses_of(reading) == {}
