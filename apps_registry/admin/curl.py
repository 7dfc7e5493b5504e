"""Makes a chat call that an operator can paste into a terminal."""

import json
import shlex
import uuid

from apps_registry.support.paths import API_PREFIX

GREETING = "Hello! What can you do?"


def chat_curl(*, base_url: str, app_slug: str | None, app_key: str | None, key_header: str = "AOMI-APP-KEY") -> str:
    """Return a `curl` command on several lines that starts a new session.

    Args:
        base_url: the server's address, without a path.
        app_slug: the App to talk to; None: the default App.
        app_key: the key to send; None: no key.
        key_header: the header that carries the key.
    """
    body = {"app": app_slug, "message": GREETING} if app_slug else {"message": GREETING}
    headers = [f"X-Session-Id: {uuid.uuid4()}", "Content-Type: application/json"]
    if app_key:
        headers.insert(0, f"{key_header}: {app_key}")
    lines = [f"curl -sS -X POST {shlex.quote(base_url.rstrip('/') + API_PREFIX + 'chat')}"]
    lines += [f"-H {shlex.quote(header)}" for header in headers]
    lines += [f"-d {shlex.quote(json.dumps(body))}"]
    return " \\\n  ".join(lines)
