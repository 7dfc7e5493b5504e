"""Every file and folder that a document names exists."""

import re

import pytest

from tests.docs.markdown import NAMES, code_words, section, text_of
from tests.root import ROOT

TOP = (
    "aomi_site",
    "apps_registry",
    "chat",
    "keys",
    "sessions_app",
    "templates",
    "tests",
    "bench",
    "screenshots",
    "examples",
    "deploy",
)
# A word that begins like one of our paths is a path: `chat/urls.py`, `apps_registry/openapi/`.
PATH = re.compile(rf"(?:{'|'.join(TOP)}|docs|\.ci)/[\w./-]*")
HISTORY = "CHANGELOG.md"  # names what existed earlier
BEFORE = "\n## Where modules were before"  # so does this section
WITH_ROOMS = ("aomi_site", "apps_registry", "chat", "keys", "sessions_app")
OF_DJANGO = {"migrations", "management", "templatetags"}


@pytest.mark.parametrize("name", [name for name in NAMES if name != HISTORY])
def test_every_path_that_a_document_names_exists(name: str) -> None:
    named = {word for word in code_words(text_of(name).partition(BEFORE)[0]) if PATH.fullmatch(word)}
    missing = {word for word in named if not (ROOT / word).exists()}
    assert not missing, f"{name} names {sorted(missing)}, which do not exist"


def test_every_room_is_in_the_table_of_rooms() -> None:
    """Newcomers do not find a folder that the table leaves out."""
    folders = {path.parent for app in WITH_ROOMS for path in (ROOT / app).glob("*/__init__.py")}
    rooms = {f"{path.relative_to(ROOT).as_posix()}/" for path in folders if path.name not in OF_DJANGO}
    assert rooms <= code_words(section("docs/architecture.md", "The rooms"))
