"""Which client does what: a table made of the marks on the tests of real clients.

A test carries `@pytest.mark.shows(client, *abilities)`. `python -m tests.matrix` prints the table, which is in
docs/api.md; tests/docs/test_doors.py fails if they differ.
"""

import ast
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tests.root import ROOT

FOLDERS = ("tests/doors", "tests/clients")
MARK = "pytest.mark.shows"
ABILITIES = {
    "list": "list Apps",
    "turn": "a turn",
    "stream": "a stream",
    "app_tool": "a tool of the App",
    "client_tool": "a client tool",
    "confirmation": "a confirmation",
    "interrupt": "an interrupt",
    "wrong_key": "a wrong key",
    "busy": "a busy session",
    "rate_limit": "a rate limit",
}


@dataclass(frozen=True)
class DoorClient:
    """A client, with the door that it uses.

    Attributes:
        packages: as the registry names them, the first of which is the client.
        folder: of the package-lock.json that pins them; empty for packages of Python.
    """

    door: str
    packages: tuple[str, ...]
    folder: str = ""

    @property
    def title(self) -> str:
        """Names and versions."""
        return ", ".join(f"{name} {self._version(name)}" for name in self.packages) + f" ({self.language})"

    @property
    def language(self) -> str:
        return "npm" if self.folder else "Python"

    def _version(self, name: str) -> str:
        if not self.folder:
            return version(name)
        lock = json.loads((ROOT / self.folder / "package-lock.json").read_text())
        return str(lock["packages"][f"node_modules/{name}"]["version"])


COMPLETIONS, RESPONSES, MCP = "`/v1/chat/completions`", "`/v1/responses`", "`/mcp`"
NPM = "tests/doors/javascript"
CLIENTS = {
    "openai-python": DoorClient(COMPLETIONS, ("openai",)),
    "openai-npm": DoorClient(COMPLETIONS, ("openai",), NPM),
    "ai-sdk": DoorClient(COMPLETIONS, ("ai", "@ai-sdk/openai-compatible"), NPM),
    "openai-python-responses": DoorClient(RESPONSES, ("openai",)),
    "openai-npm-responses": DoorClient(RESPONSES, ("openai",), NPM),
    "mcp-python": DoorClient(MCP, ("mcp",)),
    "mcp-npm": DoorClient(MCP, ("@modelcontextprotocol/sdk",), "tests/clients/mcp_typescript"),
}
# Why a client does not do something.
REASONS = {
    ("ai-sdk", "list"): "the package has no call for it",
    ("openai-python-responses", "list"): "the call is the same as for chat completions",
    ("mcp-python", "stream"): "MCP does not stream results; clients get the progress of a call",
    ("mcp-npm", "stream"): "MCP does not stream results; clients get the progress of a call",
    ("mcp-python", "client_tool"): "a tool call cannot call back, so such tools are not offered",
    ("mcp-npm", "client_tool"): "a tool call cannot call back, so such tools are not offered",
}


def shown() -> dict[str, set[str]]:
    """Return the abilities of each client, by the marks on tests; "all" means every ability that is not excluded.

    Raises:
        ValueError: a mark names an unknown client or ability.
    """
    shown_abilities: dict[str, set[str]] = defaultdict(set)
    for path in sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("test_*.py")):
        for client, *named in _marks(path):
            every = [ability for ability in ABILITIES if (client, ability) not in REASONS]
            abilities = every if named == ["all"] else named
            if unknown := {client} - CLIENTS.keys() | set(abilities) - ABILITIES.keys():
                raise ValueError(f"{path.name}: {MARK} knows no {', '.join(sorted(unknown))}")
            shown_abilities[client].update(abilities)
    return shown_abilities


def table() -> str:
    """Return the table in Markdown, with a note for each empty cell.

    Raises:
        ValueError: a cell is empty without a reason, or has a reason although a test shows it.
    """
    abilities, notes = shown(), list(dict.fromkeys(REASONS.values()))
    lines = [f"| door | client | {' | '.join(ABILITIES.values())} |", "| --- " * (len(ABILITIES) + 2) + "|"]
    for name, client in CLIENTS.items():
        cells = [_cell(name, ability, ability in abilities[name], notes) for ability in ABILITIES]
        lines.append(f"| {client.door} | {client.title} | {' | '.join(cells)} |")
    explained = (f"{number}. {note[:1].upper()}{note[1:]}." for number, note in enumerate(notes, 1))
    return "\n".join([*lines, "", *explained])


def _cell(client: str, ability: str, is_shown: bool, notes: list[str]) -> str:
    reason = REASONS.get((client, ability))
    if is_shown == (reason is not None):
        problem = "shown, but with a reason" if reason else "neither shown nor explained"
        raise ValueError(f"{client}, {ability}: {problem}")
    return "yes" if reason is None else f"[{notes.index(reason) + 1}]"


def _marks(path: Path) -> Iterator[list[str]]:
    """Yield the arguments of the marks on a file's tests."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == MARK:
                    yield [str(ast.literal_eval(argument)) for argument in decorator.args]


if __name__ == "__main__":
    print(table())  # noqa: T201
