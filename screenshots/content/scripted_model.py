"""The model of the pictures: answers a few messages as a language model would, over the protocol of providers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from aiohttp import web

from aomi_site.practice_model.application import make_application
from aomi_site.practice_model.passages import passages_of
from aomi_site.practice_model.request import Request
from aomi_site.practice_model.rules import Answer, Call
from apps_registry.tools.base import SEARCH_TOOL

FEE = "9.90"
# Message: the tool call with which the model begins, and what it says after the result.
ANSWERS = {
    "What does express delivery cost?": (
        Call(SEARCH_TOOL, {"query": "express orders next working day"}),
        "Express delivery costs **9.90**. Orders before 14:00 arrive on the next working day. {marker}",
    ),
    "And for three parcels?": (
        Call("calculate", {"expression": "3 * 9.90"}),
        "Three parcels by express cost **29.70** in all.",
    ),
}


def answer(request: Request) -> Answer:
    """Return the tool call for a message, or the text once there is a result; other requests get a title."""
    call, text = ANSWERS.get(request.message, (None, "Express delivery"))
    return Answer("", [call]) if call and not request.results else Answer(text.format(marker=_marker(request)))


def _marker(request: Request) -> str:
    """Return the marker of the first passage with the fee in the results of searches; empty without one."""
    passages = (passage for result in request.results for passage in passages_of(result.data))
    return next((str(passage["marker"]) for passage in passages if FEE in str(passage["text"])), "")


@contextmanager
def model_serving() -> Iterator[str]:
    """Serve the model on loopback; yields the base URL of its provider."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(make_application(answer), access_log=None)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.TCPSite(runner, "127.0.0.1", 0).start())
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
