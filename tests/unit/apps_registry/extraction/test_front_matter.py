"""The front matter of a Markdown file is part of its text."""

import pytest

from tests.unit.apps_registry.extraction.reading import read, text_of

YAML = """\
---
title: "Refunds"
description: >-
  How long refunds take,
  and who pays.
tags: [money, "returns"]
sidebar_position: 3
author: {name: Ada}
---
"""
TOML = """\
+++
title = "Refunds"
description = "How long refunds take, and who pays."
tags = ["money", "returns"]
sidebar_position = 3
author = {name = "Ada"}
+++
"""
LINES = """\
description: How long refunds take, and who pays.
tags: money, returns
sidebar_position: 3
author.name: Ada
"""


@pytest.mark.parametrize("kind", ["markdown", "mdx"])
@pytest.mark.parametrize("fields", [YAML, TOML])
def test_front_matter_fields_are_read(kind: str, fields: str) -> None:
    reading = read(kind, f"{fields}\n# Refunds\n\nFive days.\n")
    assert reading.title == "Refunds"
    assert text_of(reading) == f"{LINES}Five days."
    assert [(block.line, block.heading) for block in reading.blocks] == [
        (1, ()),
        (fields.count("\n") + 4, ("Refunds",)),
    ]


def test_a_title_that_no_heading_repeats_is_read() -> None:
    assert text_of(read("markdown", "---\ntitle: Refunds\n---\nFive days.")) == "title: Refunds\nFive days."


@pytest.mark.parametrize(
    "fields",
    [
        "title: Refunds\nurl: {{ site.url }}\n",
        "title: Refunds\na: &a [1]\nb: [*a, *a]\n",
        f"title: Refunds\na: {'[' * 99}\n",
    ],
    ids=["template", "aliases", "nested"],
)
def test_fields_that_do_not_parse_are_kept_as_they_are(fields: str) -> None:
    reading = read("markdown", f"---\n{fields}---\nFive days.")
    assert reading.title == "Refunds"
    assert text_of(reading).startswith(fields.strip("\n").split("\n")[1]) or fields.split("\n")[1] in text_of(reading)


def test_text_between_two_rules_is_text() -> None:
    assert "Important notice" in text_of(read("markdown", "---\n\nImportant notice\n\n---\n\nFive days."))
