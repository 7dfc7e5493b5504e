"""docs/clients.md has the settings of clients that the console shows."""

from apps_registry.services.client_settings import mcp_clients, openai_clients
from tests.root import ROOT


def test_the_document_has_the_settings_that_the_console_shows() -> None:
    text = (ROOT / "docs" / "clients.md").read_text()
    arguments = {"base_url": "https://your-server", "app_slug": "support", "app_key": "YOUR-APP-KEY"}
    for client in [*openai_clients(**arguments), *mcp_clients(**arguments)]:
        assert f"**{client.client}**" in text
        assert f"\n{client.text}\n```" in text
