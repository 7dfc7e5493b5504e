"""Files as programs write them: what search finds in each, what is left out, and which are refused."""

import io
import json
import re
from typing import Any

import pytest

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.extract import work
from apps_registry.extraction.names import KINDS, suffix
from tests.apps_registry.retrieval.files import bad_packages
from tests.seen.documents import MARKDOWN, TEXTS, File
from tests.seen.encodings import ENCODINGS
from tests.seen.faq_pages import FAQ_PAGES
from tests.seen.kinds import KINDS as OTHER_KINDS
from tests.seen.office import WORDS
from tests.seen.pages import PAGES
from tests.seen.papers import PAPERS
from tests.seen.tables import TABLES
from tests.seen.word_text import WORD_TEXT

FILES = {
    **TEXTS,
    **MARKDOWN,
    **PAGES,
    **WORDS,
    **PAPERS,
    **TABLES,
    **WORD_TEXT,
    **ENCODINGS,
    **FAQ_PAGES,
    **OTHER_KINDS,
}
READ = {name: file for name, file in FILES.items() if not file.refused}
REFUSED = {name: file for name, file in FILES.items() if file.refused}


def reading(file: File) -> dict[str, Any]:
    out = io.BytesIO()
    work(file.kind, file.data, out)
    result: dict[str, Any] = json.loads(out.getvalue())
    return result


@pytest.mark.parametrize("file", READ.values(), ids=READ)
def test_a_file_gives_its_intended_text(file: File) -> None:
    result = reading(file)
    text, at = "\n\n".join(chunk[0] for chunk in result["chunks"]) + "\n", 0
    for expected in file.texts:
        assert expected in text[at:], text
        at = text.index(expected, at) + len(expected)
    assert not [absent for absent in file.absent if absent in text]
    assert all(hidden in "\n".join(result["hidden"]) for hidden in file.hidden), result["hidden"]
    headings = tuple(dict.fromkeys(chunk[1] for chunk in result["chunks"]))
    assert headings == (file.headings or headings)
    assert file.title in {None, result["title"]}


@pytest.mark.parametrize(("name", "bad"), bad_packages().items(), ids=list(bad_packages()))
def test_a_hostile_or_mistaken_file_is_refused_with_a_reason(name: str, bad: tuple[bytes, str]) -> None:
    with pytest.raises(UnreadableError, match=re.escape(bad[1])) as refusal:
        work(KINDS[suffix(name)], bad[0], io.BytesIO())
    assert str(refusal.value).endswith(".")


@pytest.mark.parametrize("file", REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_read_is_refused_by_its_kind(file: File) -> None:
    with pytest.raises(UnreadableError, match=file.refused):
        reading(file)
