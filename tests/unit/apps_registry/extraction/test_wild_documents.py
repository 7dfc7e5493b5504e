"""Property tests of the readers of documents: any file gives storable text or is refused by name."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps_registry.extraction.blocks import UnreadableError
from apps_registry.extraction.extract import work
from apps_registry.extraction.names import KINDS
from tests.made_examples import examples

sometimes = settings(max_examples=examples(50), deadline=None, derandomize=True)
TAGS = ["h1", "p", "div", "details", "summary", "table", "td", "style", "script", "b", "a", "ul", "li", "dialog", "br"]
STYLES = ["display:none", "color:#fff", "font-size:0", "left:-9999px", "opacity:.0", "height:0;overflow:hidden", "x:)"]
words = st.text(max_size=12)
pieces = st.one_of(
    words,
    st.sampled_from(TAGS).map(lambda tag: f"<{tag}>"),
    st.sampled_from(TAGS).map(lambda tag: f"</{tag}>"),
    st.sampled_from(STYLES).map(lambda style: f'<p style="{style}">'),
    st.sampled_from(
        ["<!--", "-->", "&#0;", "&nbsp;", "<p hidden>", ".a{display:none}", "# ", "```\n", "- ", "|a|\n|-|\n"]
    ),
)
texts = st.lists(pieces, max_size=30).map("".join)
files = st.one_of(st.binary(max_size=200), texts.map(lambda text: text.encode("utf-8", "surrogatepass")))


@pytest.mark.parametrize("kind", sorted({*KINDS.values(), "zip"}))
@sometimes
@given(data=files)
def test_a_file_gives_storable_text_or_is_refused_by_name(kind: str, data: bytes) -> None:
    out, reason = io.BytesIO(), ""
    try:
        work(kind, data, out)
    except UnreadableError as error:
        reason = str(error)
    if reason:
        assert reason.endswith((".", "…")), reason
        return
    result = json.loads(out.getvalue())
    for text, *_ in result["chunks"]:
        assert "\x00" not in text
        text.encode()  # no half of a surrogate pair
