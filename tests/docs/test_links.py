"""What the documents lead to is there, and the README stays a first page."""

import json
import re

import pytest

from tests.docs.markdown import DOCUMENTS, NAMES, anchors, links, text_of
from tests.product import ROOT

README_MAX_BYTES = 8_000


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_bytes()) <= README_MAX_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_every_link_and_anchor_resolves(name: str) -> None:
    source = ROOT / name
    for target in links(text_of(name)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (source.parent / path).resolve() if path else source
        assert there.exists(), f"{name} links to {target}, which does not exist"
        assert there.is_relative_to(ROOT), f"{name} links to {target}, outside of the project"
        assert not anchor or anchor in anchors(there), f"{name} links to {target}, but there is no such heading"


def test_the_readme_leads_to_every_document() -> None:
    """In one or two steps: a document that nothing leads to is not found."""
    found = {ROOT / "README.md"}
    for _ in range(2):
        found |= {
            (path.parent / target.partition("#")[0]).resolve()
            for path in found
            if path.suffix == ".md"
            for target in links(path.read_text(encoding="utf-8"))
            if not re.match(r"[a-z]+:|#", target)
        }
    assert set(DOCUMENTS) <= found


@pytest.mark.parametrize("name", NAMES)
def test_every_json_example_can_be_read(name: str) -> None:
    for block in re.findall(r"^```json\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL):
        json.loads(block)
