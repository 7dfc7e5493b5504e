"""Takes the pictures with Debian's Chromium, and makes them small."""

import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page as Tab
from playwright.sync_api import sync_playwright

from screenshots.pages import Page
from screenshots.serving import Running

MAX_BYTES = 60_000
HEIGHT = 900
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
# Tried in this order until the picture is small enough. Pages have few colours; photos would need more.
COLOURS = (64, 32, 24, 16, 12, 8)
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class PageError(Exception):
    """A page cannot be shown; the message says which, and why."""


@contextmanager
def camera(running: Running, width: int, scheme: Literal["light", "dark"]) -> Iterator["Camera"]:
    """Start a browser in which an operator is logged in.

    Args:
        running: the server.
        width: the width of the window, in pixels.
        scheme: the colour scheme.
    """
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        raise PageError("There is no Chromium on this machine (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        context = browser.new_context(
            viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, timezone_id="UTC", reduced_motion="reduce"
        )
        context.add_cookies([{"name": "sessionid", "value": running.login, "url": running.url}])
        yield Camera(running, context.new_page())
        browser.close()


class Camera:
    """A browser that takes pictures of the server's pages."""

    def __init__(self, running: Running, tab: Tab) -> None:
        self.running, self.tab = running, tab

    def take(self, page: Page, file: Path) -> int:
        """Store the visible part of a page as a PNG; return its size in bytes.

        Raises:
            PageError: the page does not exist, is wider than the window, or shows a turn that was not completed.
        """
        answer = self.tab.goto(f"{self.running.url}/admin/{page.path.format(**self.running.content)}")
        if answer is None or answer.status != 200:
            raise PageError(f"{page.name}: /admin/{page.path} answered {answer.status if answer else 'nothing'}.")
        self.tab.wait_for_selector(page.wait_for)
        for number, message in enumerate(page.messages):
            self._send(page, message, number)
        if page.hover:
            self.tab.hover(page.hover)
        if excess := self.tab.evaluate(TOO_WIDE):
            raise PageError(f"{page.name} is {excess} pixels wider than the window.")
        data = small_png(self.tab.screenshot())
        file.write_bytes(data)
        return len(data)

    def _send(self, page: Page, message: str, number: int) -> None:
        """Send a message in the playground, and wait for the end of its turn, which follows `number` others."""
        self.tab.fill("#message", message)
        self.tab.click("[data-send]")
        turn = self.tab.locator(".aomi-turn").nth(number)
        turn.locator("xpath=self::*[@data-status]").wait_for()
        if turn.get_attribute("data-status") != "completed":
            raise PageError(f"{page.name}: “{message}” was answered with:\n{turn.inner_text()}")


def small_png(data: bytes) -> bytes:
    """Return a PNG with as many colours as fit into MAX_BYTES.

    Raises:
        PageError: it is larger even with the fewest.
    """
    picture = Image.open(io.BytesIO(data)).convert("RGB")
    for colours in COLOURS:
        output = io.BytesIO()
        # No dithering: it would spoil flat areas, and PNG could not pack them.
        reduced = picture.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        reduced.save(output, "PNG", optimize=True)
        if output.tell() <= MAX_BYTES:
            return output.getvalue()
    raise PageError(f"A picture takes {output.tell()} bytes even with {COLOURS[-1]} colours.")
