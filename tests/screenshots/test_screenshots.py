"""The pictures of the console: their content, their pages, and the committed files."""

import io
import json
from datetime import timedelta

import pytest
from django.db.models import Count, Q, Sum
from django.test import Client
from django.utils import timezone
from PIL import Image

from aomi_site.practice_model.request import read_request
from apps_registry.models import App, Document
from keys.models import AppKey, Usage
from screenshots.camera import MAX_BYTES, PageError, small_png
from screenshots.content.filling import Content, fill, log_in
from screenshots.content.scripted_model import ANSWERS, answer
from screenshots.pages import FIRST, PAGES
from sessions_app.models import ChatSession, Message, Turn
from tests.docs.markdown import text_of
from tests.root import ROOT

FOLDER = ROOT / "docs" / "screenshots"


@pytest.fixture
def content(empty_database: None) -> Content:
    return fill("https://models.example.com/v1")


def test_the_content_fills_every_page_and_its_sums_agree(content: Content) -> None:
    client = Client()
    client.cookies["sessionid"] = log_in()
    shown = {name: getattr(content, name) for name in content.__slots__}
    for page in PAGES:
        answer = client.get(f"/admin/{page.path.format(**shown)}")
        assert answer.status_code == 200, page
        if page.wait_for.startswith("#"):
            assert f'id="{page.wait_for[1:]}"' in answer.content.decode(), page
    states = {"ready": Document.State.READY, "failed": Document.State.FAILED}
    counts = Document.objects.aggregate(**{name: Count("pk", filter=Q(state=state)) for name, state in states.items()})
    assert counts == {"ready": 3, "failed": 1}
    assert AppKey.objects.filter(revoked_at__isnull=False).exists()
    assert App.objects.get(slug="support").live_release is not None
    check_sums()
    check_times()


def check_sums() -> None:
    """The inserted turns are counted as usage, like those of callers."""
    ended = Turn.objects.exclude(status=Turn.Status.RUNNING)
    counted = ended.aggregate(number=Count("pk"), tokens=Sum("prompt_tokens") + Sum("completion_tokens"))
    usage = Usage.objects.aggregate(number=Sum("turns"), tokens=Sum("prompt_tokens") + Sum("completion_tokens"))
    assert usage == counted
    assert counted["number"] > 300


def check_times() -> None:
    """No time is in the future, and a conversation's messages are in order."""
    now = timezone.now()
    assert not Turn.objects.filter(finished_at__gt=now).exists()
    assert ChatSession.objects.filter(created_at__lt=now - timedelta(days=25)).exists()
    session = ChatSession.objects.filter(next_position__gt=3).latest("last_active_at")
    times = list(Message.objects.filter(session=session).order_by("position").values_list("created_at", flat=True))
    assert times == sorted(times)


def test_the_model_of_the_pictures_calls_a_tool_and_cites_the_passage_with_the_fee() -> None:
    question = next(iter(ANSWERS))
    begun = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]
    (call,) = answer(read_request({"messages": begun})).calls
    assert call.name == "search_documents"
    passages = [{"marker": "[1]", "text": "A return is free."}, {"marker": "[2]", "text": "Express costs 9.90."}]
    function = {"name": call.name, "arguments": json.dumps(call.arguments)}
    called = {"role": "assistant", "tool_calls": [{"id": "a", "type": "function", "function": function}]}
    result = {"role": "tool", "tool_call_id": "a", "content": json.dumps({"passages": passages})}
    assert answer(read_request({"messages": [*begun, called, result]})).text.endswith("next working day. [2]")
    assert {page.name: page.messages for page in PAGES if page.messages} == {"playground": tuple(ANSWERS)}


def test_a_picture_is_made_small_or_refused() -> None:
    def png(picture: Image.Image) -> bytes:
        output = io.BytesIO()
        picture.save(output, "PNG")
        return output.getvalue()

    flat = small_png(png(Image.new("RGB", (1440, 900), "#f7f8fc")))
    assert len(flat) < MAX_BYTES
    assert Image.open(io.BytesIO(flat)).size == (1440, 900)
    with pytest.raises(PageError, match="bytes even with 8 colours"):
        small_png(png(Image.effect_noise((700, 500), 100).convert("RGB")))


def test_every_page_has_its_committed_picture() -> None:
    files = {path.stem: path for path in FOLDER.iterdir()}
    assert files.keys() == {page.name for page in PAGES}
    for path in files.values():
        assert path.stat().st_size <= MAX_BYTES, path
        with Image.open(path) as picture:
            assert picture.width == 1440, path
    assert f"docs/screenshots/{FIRST}.png" in text_of("README.md")
