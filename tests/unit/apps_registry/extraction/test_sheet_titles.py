"""Titles above a table stay titles, and each passage of the table has the names of its columns."""

import io
from typing import Any

import openpyxl
import pytest

from apps_registry.extraction.chunking import to_chunks
from tests.seen.kinds import cells, open_document
from tests.unit.apps_registry.extraction.reading import read, text_of

PEOPLE = [(f"Person {number}", "Graz", str(20 + number % 60)) for number in range(400)]


def as_csv(delimiter: str = ",") -> bytes:
    rows = [("Report of 2026", "", ""), ("", "", ""), ("Name", "City", "Age"), *PEOPLE]
    return "\n".join(delimiter.join(row) for row in rows).encode()


def as_xlsx() -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    sheet: Any = book.active
    for row in [
        ("Report of 2026",),
        (),
        ("Name", "City", "Age"),
        *((name, city, int(age)) for name, city, age in PEOPLE),
    ]:
        sheet.append(row)
    book.save(out)
    return out.getvalue()


def as_ods() -> bytes:
    number = '<table:table-cell office:value-type="float" office:value="{0}"><text:p>{0}</text:p></table:table-cell>'
    rows = [cells("Report of 2026"), "<table:table-cell/>", cells("Name", "City", "Age")]
    rows += [cells(name, city) + number.format(age) for name, city, age in PEOPLE]
    table = "".join(f"<table:table-row>{row}</table:table-row>" for row in rows)
    return open_document(f'<office:spreadsheet><table:table table:name="a">{table}</table:table></office:spreadsheet>')


@pytest.mark.parametrize(
    ("kind", "data"),
    [("csv_table", as_csv()), ("csv_table", as_csv(";")), ("xlsx", as_xlsx()), ("odf", as_ods())],
    ids=["csv", "csv with semicolons", "xlsx", "ods"],
)
def test_each_passage_begins_with_the_title_and_the_names_of_the_columns(kind: str, data: bytes) -> None:
    chunks = [chunk.text for chunk in to_chunks(read(kind, data).blocks)]
    assert len(chunks) > 5
    assert all(chunk.startswith("Report of 2026\nName | City | Age\nPerson ") for chunk in chunks)


def test_a_list_of_one_column_keeps_each_row() -> None:
    assert text_of(read("csv_table", "Question\nHow long?\nWho pays?\n")) == "Question\nHow long?\nWho pays?"


def test_two_tables_in_a_file_have_their_own_columns() -> None:
    blocks = read("csv_table", "Part,Price\nAX,7 €\n\nStaff,,\nName,City\nAda,Graz\n").blocks
    assert [(block.header, block.text) for block in blocks] == [
        ("Part | Price", "Part | Price\nAX | 7 €"),
        ("Staff\nName | City", "Staff\nName | City\nAda | Graz"),
    ]


def test_long_titles_and_names_of_columns_are_kept_whole() -> None:
    question = "How content are you with the speed of the answers that our service gave you in the last month or so?"
    preface = "\n".join(f"Line {number} of a long explanation of this file,," for number in range(20))
    text = text_of(read("csv_table", f"{preface}\n\nName,{question},Age\n" + f"Ada,{'very ' * 200},36\n" * 3))
    assert "Line 19 of a long explanation" in text
    assert question in text
