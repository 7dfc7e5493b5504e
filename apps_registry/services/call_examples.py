"""Makes chat calls that can be pasted into a terminal or a program: with curl, Python or JavaScript."""

import json
import shlex
import uuid
from dataclasses import dataclass

from apps_registry.support.http.paths import API_PREFIX

GREETING = "Hello! What can you do?"


@dataclass(frozen=True, slots=True)
class CallExample:
    """A call to copy.

    Attributes:
        language: its heading.
        name: for the ids of its page elements.
        text: the call.
    """

    language: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class _Call:
    """The parts of a chat call in a new session."""

    url: str
    headers: dict[str, str]
    body: dict[str, str]


def chat_curl(*, base_url: str, app_slug: str | None, app_key: str | None, key_header: str = "AOMI-APP-KEY") -> str:
    """Return a `curl` command on several lines that starts a new session.

    Args:
        base_url: the server's address, without a path.
        app_slug: the App to talk to; None: the default App.
        app_key: the key to send; None: no key.
        key_header: the header that carries the key.
    """
    return _curl(_call(base_url, app_slug, app_key, key_header))


def call_examples(
    *, base_url: str, app_slug: str | None, app_key: str | None, key_header: str = "AOMI-APP-KEY"
) -> list[CallExample]:
    """Return the same call for curl, Python (3, without packages) and JavaScript (Node.js 18, or a browser).

    Arguments are those of `chat_curl`.
    """
    call = _call(base_url, app_slug, app_key, key_header)
    return [
        CallExample("curl", "curl", _curl(call)),
        CallExample("Python", "python", _python(call)),
        CallExample("JavaScript", "javascript", _javascript(call)),
    ]


def _call(base_url: str, app_slug: str | None, app_key: str | None, key_header: str) -> _Call:
    key = {key_header: app_key} if app_key else {}
    headers = {**key, "X-Session-Id": str(uuid.uuid4()), "Content-Type": "application/json"}
    body = {"app": app_slug, "message": GREETING} if app_slug else {"message": GREETING}
    return _Call(base_url.rstrip("/") + API_PREFIX + "chat", headers, body)


def _curl(call: _Call) -> str:
    lines = [f"curl -sS -X POST {shlex.quote(call.url)}"]
    lines += [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in call.headers.items()]
    lines += [f"-d {shlex.quote(json.dumps(call.body))}"]
    return " \\\n  ".join(lines)


# JSON with only ASCII characters is also a literal of Python and of JavaScript.
def _python(call: _Call) -> str:
    return "\n".join(
        (
            "import json, urllib.request",
            "",
            "request = urllib.request.Request(",
            f"    {json.dumps(call.url)},",
            f"    data=json.dumps({json.dumps(call.body)}).encode(),",
            f"    headers={json.dumps(call.headers)},",
            ")",
            "print(urllib.request.urlopen(request).read().decode())",
        )
    )


def _javascript(call: _Call) -> str:
    return "\n".join(
        (
            f"fetch({json.dumps(call.url)}, {{",
            '  method: "POST",',
            f"  headers: {json.dumps(call.headers)},",
            f"  body: JSON.stringify({json.dumps(call.body)}),",
            "})",
            "  .then((response) => response.text())",
            "  .then(console.log);",
        )
    )
