"""Every link of the documents has a target, and the README stays short."""

import json
import re
import subprocess
import tomllib

import pytest

from tests.docs.markdown import DOCUMENTS, NAMES, anchors, blocks, links, text_of
from tests.root import ROOT

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
    """In one or two steps: readers do not find a document that no link leads to."""
    reached = {ROOT / "README.md"}
    for _ in range(2):
        reached |= {
            (path.parent / target.partition("#")[0]).resolve()
            for path in reached
            if path.suffix == ".md"
            for target in links(path.read_text(encoding="utf-8"))
            if not re.match(r"[a-z]+:|#", target)
        }
    assert set(DOCUMENTS) <= reached


@pytest.mark.parametrize("name", NAMES)
def test_every_example_can_be_read(name: str) -> None:
    for block in blocks(name, "json"):
        json.loads(block)
    for block in blocks(name, "sh"):
        read = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert read.returncode == 0, f"{name}: {read.stderr}"


@pytest.mark.parametrize("name", NAMES)
def test_every_extra_and_module_that_is_shown_exists(name: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    # The history may name what no longer exists.
    shown = set() if name == "CHANGELOG.md" else set(re.findall(r"--extra (\w+)|the extra `(\w+)`", text_of(name)))
    extras = {next(filter(None, words)) for words in shown}
    assert extras <= project["project"]["optional-dependencies"].keys()
    for module in re.findall(r"python3? -m ((?:bench|screenshots)[\w.]*)", text_of(name)):
        path = ROOT / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), f"{name} shows {module}"
