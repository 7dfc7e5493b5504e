"""Messages that break the rules of MIME are read as mail programs read them."""

import base64

import pytest

from apps_registry.extraction.blocks import UnreadableError
from tests.unit.apps_registry.extraction.reading import losses_of, read, text_of

TEXT = "Grüße aus dem Lager. Die Frist beträgt sieben Tage. Rückfragen an die Buchhaltung."
BASE64 = base64.encodebytes(TEXT.encode()).decode()
HEAD = "From: a@x.example\nSubject: Frist\n"
READ = f"From: a@x.example\nSubject: Frist\n{TEXT}"
KIND = "Content-Type: text/plain; charset=utf-8\n"
PART = f"{KIND}Content-Transfer-Encoding: base64\n\n{BASE64}\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "head",
    [
        "From: a@x.example\nthis line is broken\nSubject: Frist\n",
        "this line is broken\nFrom: a@x.example\nSubject : Frist\n",
        "From a@x Mon Jan 1\nFrom: a@x.example\nthis line is broken\nSubject:\n Frist\n",
    ],
)
def test_a_broken_header_line_is_left_out_with_a_note(head: str, end: str) -> None:
    reading = read("eml", f"{head}\nSeven days.\n".replace("\n", end))
    assert text_of(reading) == "From: a@x.example\nSubject: Frist\nSeven days."
    (loss,) = reading.losses.report()
    assert (loss["code"], loss["detail"]) == ("header_lines", "this line is broken")


def test_text_without_an_empty_line_before_it_is_kept() -> None:
    assert text_of(read("eml", f"{HEAD}Seven days.\nNo more.\n")).endswith("Seven days.\nNo more.")


@pytest.mark.parametrize("text", ["Just text.\nMore: of it\n", "a line\nNote: nothing\n\nText.\n"])
def test_other_text_is_no_message(text: str) -> None:
    with pytest.raises(UnreadableError, match="not a message"):
        read("eml", text)


@pytest.mark.parametrize("encoding", ["base-64", "Base64 (mail)", '"base64"', "base64;", "BASE 64"])
def test_a_misspelt_transfer_encoding_is_understood(encoding: str) -> None:
    source = f"{HEAD}{KIND}Content-Transfer-Encoding: {encoding}\n\n{BASE64}"
    assert text_of(read("eml", source)) == READ


def test_a_misspelt_quoted_printable_is_understood() -> None:
    source = f"{HEAD}{KIND}Content-Transfer-Encoding: quoted printable\n\nGr=C3=BC=C3=9Fe=\n aus\n"
    assert text_of(read("eml", source)).endswith("Grüße aus")


@pytest.mark.parametrize("encoding", ["", "Content-Transfer-Encoding: 7bit\n"])
def test_base64_that_is_not_declared_is_decoded_with_a_note(encoding: str) -> None:
    reading = read("eml", f"{HEAD}{KIND}{encoding}\n{BASE64}")
    assert (text_of(reading), losses_of(reading)) == (READ, {"encoding": 1})


def test_long_words_are_not_base64() -> None:
    word = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunter"
    assert text_of(read("eml", f"{HEAD}{KIND}\n{word}\n")).endswith(word)


@pytest.mark.parametrize("lost", [0, 1, 3])
def test_a_footer_after_base64_is_read_as_text(lost: int) -> None:
    """The Base64 may be cut off."""
    encoded = BASE64.strip()[: -lost - 1]
    source = f"{HEAD}{KIND}Content-Transfer-Encoding: base64\n\n{encoded}\n--\nTo leave the list: write to us.\n"
    text = text_of(read("eml", source))
    assert TEXT[:-3] in text
    assert text.endswith("--\nTo leave the list: write to us.")


@pytest.mark.parametrize("declared", ["", "; boundary=other", '; boundary="=__Part"'])
def test_parts_with_another_boundary_than_declared_are_found(declared: str) -> None:
    inner = f'Content-Type: multipart/alternative; boundary="=__Part1.1"\n\n--=__Part1.1\n{PART}--=__Part1.1--\n'
    source = f"{HEAD}Content-Type: multipart/mixed{declared}\n\n--=__Part1\n{inner}\n--=__Part1--\n"
    assert text_of(read("eml", source)) == READ


def test_a_multipart_without_parts_is_read_as_text() -> None:
    assert text_of(read("eml", f"{HEAD}Content-Type: multipart/mixed\n\nSeven days.\n")).endswith("Seven days.")
