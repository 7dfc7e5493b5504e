"""What to enter in the clients that people have, so that they talk to an App; docs/clients.md shows the same texts."""

import json
import shlex
from dataclasses import dataclass

from apps_registry.services.call_examples import GREETING
from apps_registry.support.http.paths import MCP_PATH, OPENAI_PREFIX


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """The settings of one client.

    Attributes:
        client: its name.
        name: for the ids of its page elements.
        where: where the text belongs.
        text: what to enter, with the key in it.
    """

    client: str
    name: str
    where: str
    text: str


def openai_clients(*, base_url: str, app_slug: str, app_key: str) -> list[ClientSettings]:
    """Return the settings of clients that speak OpenAI's chat completions: an App is a model.

    Args:
        base_url: the server's address, without a path.
        app_slug: the App.
        app_key: the key to send, or a placeholder for it.
    """
    url = base_url.rstrip("/") + OPENAI_PREFIX.rstrip("/")
    return [
        ClientSettings("OpenAI SDK, Python", "openai-python", "your program", _python(url, app_slug, app_key)),
        ClientSettings(
            "OpenAI SDK, JavaScript", "openai-javascript", "your program", _javascript(url, app_slug, app_key)
        ),
        ClientSettings("AI SDK", "ai-sdk", "your program", _ai_sdk(url, app_slug, app_key)),
        ClientSettings("LibreChat", "librechat", "librechat.yaml", _librechat(url, app_slug, app_key)),
        ClientSettings(
            "Open WebUI",
            "openwebui",
            "Admin Settings, Connections, OpenAI API, Add Connection",
            f"URL: {url}\nKey: {app_key}\nModel IDs: {app_slug}",
        ),
    ]


def mcp_clients(*, base_url: str, app_slug: str, app_key: str) -> list[ClientSettings]:
    """Return the settings of MCP clients, to which an App is a server; arguments as for `openai_clients`."""
    url = f"{base_url.rstrip('/')}{MCP_PATH}/{app_slug}"
    bearer = f"Authorization: Bearer {app_key}"
    command = f"claude mcp add --transport http {app_slug} {shlex.quote(url)} --header {shlex.quote(bearer)}"
    cursor = {"url": url, "headers": {"Authorization": f"Bearer {app_key}"}}
    # VS Code asks for the key, and keeps it out of the file.
    key_input = {"type": "promptString", "id": "app-key", "description": "App key", "password": True}
    code = {"type": "http", "url": url, "headers": {"Authorization": "Bearer ${input:app-key}"}}
    return [
        ClientSettings("Claude Code", "mcp-claude", "a terminal", command),
        ClientSettings("Cursor", "mcp-cursor", ".cursor/mcp.json", _json({"mcpServers": {app_slug: cursor}})),
        ClientSettings(
            "VS Code", "mcp-vscode", ".vscode/mcp.json", _json({"inputs": [key_input], "servers": {app_slug: code}})
        ),
    ]


def _json(data: object) -> str:
    return json.dumps(data, indent=2)


# JSON with only ASCII characters is also a literal of Python, of JavaScript and of YAML.
def _python(url: str, app_slug: str, app_key: str) -> str:
    return "\n".join(
        (
            "from openai import OpenAI",
            "",
            f"client = OpenAI(base_url={json.dumps(url)}, api_key={json.dumps(app_key)})",
            f"messages = [{json.dumps({'role': 'user', 'content': GREETING})}]",
            f"reply = client.chat.completions.create(model={json.dumps(app_slug)}, messages=messages)",
            "print(reply.choices[0].message.content)",
        )
    )


def _javascript(url: str, app_slug: str, app_key: str) -> str:
    return "\n".join(
        (
            'import OpenAI from "openai";',
            "",
            f"const client = new OpenAI({{ baseURL: {json.dumps(url)}, apiKey: {json.dumps(app_key)} }});",
            f"const messages = [{json.dumps({'role': 'user', 'content': GREETING})}];",
            f"const reply = await client.chat.completions.create({{ model: {json.dumps(app_slug)}, messages }});",
            "console.log(reply.choices[0].message.content);",
        )
    )


def _ai_sdk(url: str, app_slug: str, app_key: str) -> str:
    provider = f'name: "aomi", baseURL: {json.dumps(url)}, apiKey: {json.dumps(app_key)}'
    prompt = f"model: aomi({json.dumps(app_slug)}), prompt: {json.dumps(GREETING)}"
    return "\n".join(
        (
            'import { createOpenAICompatible } from "@ai-sdk/openai-compatible";',
            'import { generateText } from "ai";',
            "",
            f"const aomi = createOpenAICompatible({{ {provider} }});",
            f"const {{ text }} = await generateText({{ {prompt} }});",
            "console.log(text);",
        )
    )


def _librechat(url: str, app_slug: str, app_key: str) -> str:
    return "\n".join(
        (
            "endpoints:",
            "  custom:",
            '    - name: "Aomi Apps"',
            f"      baseURL: {json.dumps(url)}",
            f"      apiKey: {json.dumps(app_key)}",
            "      models:",
            f"        default: [{json.dumps(app_slug)}]",
            "        fetch: true",
            "      headers:",
            '        X-Session-Id: "{{LIBRECHAT_BODY_CONVERSATIONID}}"',
            # Its prompts for titles carry the same id, and would become messages of the session.
            "      titleConvo: false",
        )
    )
