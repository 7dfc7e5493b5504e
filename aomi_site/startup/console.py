"""quickstart's output: a line per step with its duration, and the banner."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.core.management.base import OutputWrapper

from aomi_site.startup.database import OPERATOR_NAME
from apps_registry.support.http.paths import API_PREFIX

RULE = "=" * 78


class Console:
    """Prints plain text; a closed terminal does not stop the program."""

    def __init__(self, out: OutputWrapper) -> None:
        self.out = out

    def say(self, text: str = "", end: str = "\n") -> None:
        """Print a line and flush."""
        with suppress(OSError, ValueError):
            self.out.write(text, ending=end)
            self.out.flush()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """Print `title` before the `with` block, and the seconds that it took after it."""
        self.say(f"{title} ... ", end="")
        begin = time.monotonic()
        try:
            yield
        except BaseException:
            self.say("failed")
            raise
        self.say(f"{time.monotonic() - begin:.1f} s")

    def banner(self, *, url: str, model: str, data_dir: Path, password: str | None, database: str) -> None:
        """Print the addresses and an example call; this is the only time that a new operator's password appears."""
        account = (
            f"user {OPERATOR_NAME}, password {password} (not shown again)" if password else "your operator account"
        )
        self.say()
        self.say(RULE)
        self.say(f" Aomi Apps is running at {url}; Ctrl-C stops it.")
        self.say()
        self.say(f" Admin      {url}/admin/")
        self.say(f" Log in as  {account}")
        self.say(f" Model      {model}")
        self.say(f" Database   {database}")
        self.say(f" Data       {data_dir}")
        self.say()
        self.say(" Ask the default App a question (repeat the same id to continue the conversation):")
        self.say()
        self.say(_curl(url))
        self.say(RULE)


def _curl(url: str) -> str:
    question = "What%20is%20the%20capital%20of%20France%3F"
    return f'curl -X POST "{url}{API_PREFIX}chat?message={question}" -H "X-Session-Id: {uuid.uuid4()}"'
