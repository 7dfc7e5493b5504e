"""Identifiers are found in any spelling, before other matches."""

from tests.apps_registry.retrieval.conftest import Ask, Ingest

FILLER = "\n\n".join(f"# Error {number}\n\nThe error of the server node needs a file." for number in range(8))
MANUAL = """
# First
ERR-4011: the certificate has expired.

# Second
ERR-4012: the password is wrong.

# Third
ERR-4013: the clock is wrong.

# Fourth
The file config/server.yaml sets the address.

# Fifth
Connect to db1.internal.example:5432 as reader.

# Sixth
v2.5.0-rc1 brings the importer.

# Seventh
The pages are built with Node.js today.

# Eighth
Part AX-7731-B is the seal.

# Ninth
Pay to DE89 3704 0044 0532 0130 00 please.

# Tenth
The deposit is 1.234,56 EUR.

# Eleventh
Version 2.5.1 and port 54321 are for tests.
"""
QUERIES = {
    "ERR-4013:": ["error 4013", "ERR 4013", "4013", "err4013", "what does err-4013 mean?"],
    "server.yaml": ["server.yaml", "config/server.yaml"],
    "db1.internal": ["db1.internal.example", "db1.internal.example:5432", "https://db1.internal.example/"],
    "v2.5.0-rc1": ["2.5.0", "v2.5.0-rc1", "2.5.0-rc1"],
    "Node.js": ["node.js", "nodejs"],
    "AX-7731-B": ["7731", "AX7731B", "AX-7731", "ax 7731"],
    "DE89": ["DE89370400440532013000", "DE89 3704 0044 0532 0130 00"],
    "1.234,56": ["1,234.56", "1234.56", "EUR 1.234,56"],
}


def test_an_identifier_is_found_first_in_any_spelling(ingest: Ingest, ask: Ask) -> None:
    ingest({"manual.md": MANUAL, "filler.md": FILLER})
    for answer, queries in QUERIES.items():
        for query in queries:
            passages = ask(query)["passages"]
            assert passages, query
            assert answer in passages[0]["text"], query
    assert any("Node.js" in passage["text"] for passage in ask("node pages")["passages"])


def test_an_exact_identifier_comes_before_passages_with_more_of_the_other_words(ingest: Ingest, ask: Ask) -> None:
    wordy = "Restart the gateway if the gateway reports an error: the gateway restarts the error log of the gateway."
    ingest({"a.md": f"# Restart of the gateway\n\n{wordy}", "b.md": "# Codes\n\nSee 7788 in the list."})
    assert "7788" in ask("how to restart the gateway after gateway error 7788")["passages"][0]["text"]
