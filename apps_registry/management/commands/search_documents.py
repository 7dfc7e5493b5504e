"""`manage.py search_documents`: searches the documents of an App as its model would."""

import asyncio
import textwrap
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError

from apps_registry.management.base import TeachingCommand, apps_named
from apps_registry.models import App
from apps_registry.retrieval.passages import Passage, SearchResult, for_model
from apps_registry.retrieval.search import search
from apps_registry.retrieval.versions import draft_ids
from apps_registry.support import database

WIDTH = 100
# What could command the terminal that the text of a document is printed to.
_CONTROLS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "\ufffd")


class Command(TeachingCommand):
    """Prints the passages that the model would get, the best first."""

    help = """\
Search the documents of an App and print the passages that its model would get from search_documents, the best first.

The draft is searched; with --release, the documents that a release was published with.
"""
    examples = """\
examples:
  python manage.py search_documents mycoindex "How long is the notice period?"
  python manage.py search_documents mycoindex "error 4013" --tag manuals
  python manage.py search_documents mycoindex "解約" --release 3 --json
"""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("app", metavar="APP", help="slug of the App")
        parser.add_argument("query", metavar="QUERY", help="a question, or words to look for")
        parser.add_argument("--tag", help="only documents with this tag")
        parser.add_argument("--release", type=int, metavar="NUMBER", help="the documents of this release")
        self.add_json_argument(parser)

    def handle(self, *_args: object, **options: Any) -> None:
        """Search, and print the result."""
        (app,) = apps_named([options["app"]])
        if not options["query"].strip():
            raise CommandError("Write a question, or words to look for.")
        documents = _documents(app, options["release"])
        result = asyncio.run(_search(app.pk, options["query"], options["tag"], documents))
        if options["json"]:
            self.write_json(_as_data(result))
        else:
            self._print(result)

    def _print(self, result: SearchResult) -> None:
        if result.note:
            self.stdout.write(f"{result.note}\n")
        for passage in result.passages:
            self.stdout.write(_printable(_head(passage)))
            for line in passage.text.splitlines():
                wrapped = textwrap.fill(line, WIDTH, initial_indent="    ", subsequent_indent="    ")
                self.stdout.write(_printable(wrapped))
            self.stdout.write("")
        if not result.passages:
            self.stdout.write("Nothing was found.")


def _documents(app: App, number: int | None) -> list[int] | None:
    """Return the ids of the documents to search; None: all of the App.

    Raises:
        CommandError: there is no such release.
    """
    if number is None:
        return draft_ids(app)
    release = app.releases.filter(number=number).first()
    if release is None:
        numbers = ", ".join(map(str, app.releases.order_by("number").values_list("number", flat=True)))
        raise CommandError(f"{app.slug} has no release {number}. Releases: {numbers or 'none yet'}.")
    return list(release.document_ids)


async def _search(app_id: int, query: str, tag: str | None, documents: Sequence[int] | None) -> SearchResult:
    await database.open_pool()
    try:
        return await search(app_id, query, tag=tag, documents=documents)
    finally:
        await database.close_pool()


def _as_data(result: SearchResult) -> dict[str, Any]:
    """Return the result of the tool, with each passage's scores, and what did not work."""
    answer = for_model(result.passages)
    passages = [
        {**shown, "by_words": passage.text_score, "by_meaning": passage.vector_score, "score": passage.score}
        for shown, passage in zip(answer["passages"], result.passages, strict=True)
    ]
    return {**answer, "passages": passages, "warning": result.note}


def _head(passage: Passage) -> str:
    ranked = {"words": passage.text_score, "meaning": passage.vector_score}
    by = " and ".join(f"{name} ({score:.2f})" for name, score in ranked.items() if score is not None)
    return " ".join(filter(None, [f"[{passage.marker}]", passage.document, passage.place and f"({passage.place})"])) + (
        f", found by {by}" if by else ""
    )


def _printable(text: str) -> str:
    return text.translate(_CONTROLS)
