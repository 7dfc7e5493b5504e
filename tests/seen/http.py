"""Responses of real HTTP servers, each with its source and what a model should read."""

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PRICE = b'{"price": 7}'


@dataclass
class Seen:
    """A response as sent on the wire, and what the model reads.

    Attributes:
        answers: the response bytes by path; the tool requests `/x`.
        result: the text that the model reads; for an error, words in it.
        tool: settings of the tool.
        asked: the requests that the server received.
    """

    source: str
    answers: Mapping[str, bytes]
    result: str = '{"price":7}'
    tool: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=lambda: ["GET /x"])
    is_error: bool = False


def http(body: bytes = b"", *headers: str, status: str = "200 OK", sized: bool = True) -> bytes:
    """Return an HTTP/1.1 response."""
    length = [f"Content-Length: {len(body)}"] if sized else []
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, *length, "", ""]).encode("latin-1") + body


def chunked(*pieces: bytes, extension: bytes = b"", trailer: bytes = b"") -> bytes:
    body = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    head = http(b"", "Content-Type: application/json", "Transfer-Encoding: chunked", sized=False)
    return head + body + b"0\r\n" + trailer + b"\r\n"


def one(answer: bytes) -> dict[str, bytes]:
    return {"/x": answer}


JSON = "Content-Type: application/json"

SEEN: dict[str, Seen] = {
    "JSON that says it is HTML": Seen(
        "github.com/catmaid/CATMAID/issues/1697", one(http(PRICE, "Content-Type: text/html; charset=utf-8"))
    ),
    "JSON that says it is HTML, and has some": Seen(
        "github.com/tariqbuilds/linux-dash/issues/10",
        one(http(b'{"a": "<b>7</b> &amp; more"}', "Content-Type: text/html")),
        '{"a":"<b>7</b> &amp; more"}',
    ),
    "JSON behind a guard against scripts": Seen(
        "github.com/postmanlabs/postman-app-support/issues/251",
        one(http(b")]}'\n" + PRICE, "Content-Type: application/json; charset=UTF-8")),
        "7",
        {"result_path": "price"},
    ),
    "JSON that says it is JavaScript": Seen(
        "github.com/AFNetworking/AFNetworking/pull/148",
        one(http(PRICE, "Content-Type: text/javascript")),
        "7",
        {"result_path": "price"},
    ),
    "one JSON a line": Seen(
        "github.com/ndjson/ndjson-spec",
        one(http(PRICE + b"\n" + b'{"price": 8}\n', "Content-Type: application/x-ndjson")),
        "[7,8]",
        {"result_path": "[*].price"},
    ),
    "a sequence of JSON": Seen(
        "rfc-editor.org/rfc/rfc7464",
        one(http(b"\x1e" + PRICE + b"\n\x1e" + PRICE + b"\n", "Content-Type: application/json-seq")),
        "[7,7]",
        {"result_path": "[*].price"},
    ),
    "windows-1252 that says ISO-8859-1": Seen(
        "encoding.spec.whatwg.org/#names-and-labels",
        one(http("\u201c7\u201d \u2013 8".encode("cp1252"), "Content-Type: text/plain; charset=iso-8859-1")),
        "\u201c7\u201d \u2013 8",
    ),
    "UTF-8 that says ASCII": Seen(
        "encoding.spec.whatwg.org/#names-and-labels",
        one(http("Größe".encode(), "Content-Type: text/plain; charset=us-ascii")),
        "Größe",
    ),
    "NaN and infinity": Seen(
        "docs.python.org/3/library/json.html#infinite-and-nan-number-values",
        one(http(b'{"price": NaN, "low": -Infinity, "high": 7}', JSON)),
        '{"price":NaN,"low":-Infinity,"high":7}',
    ),
    "a charset in quotes and capitals": Seen(
        "rfc-editor.org/rfc/rfc9110#name-media-type",
        one(http("Größe".encode("latin-1"), 'Content-Type: TEXT/PLAIN; Charset="ISO-8859-1"')),
        "Größe",
    ),
    "a charset that is none": Seen(
        "dev.mysql.com/doc/refman/8.4/en/charset-unicode-utf8mb4.html",
        one(http('{"a":"Größe"}'.encode(), "Content-Type: application/json; charset=utf8mb4")),
        '{"a":"Größe"}',
    ),
    "not in the charset that it says": Seen(
        "encoding.spec.whatwg.org", one(http(b"it\x92s 7", "Content-Type: text/plain; charset=utf-8")), "it\ufffds 7"
    ),
    "GBK that says GB2312": Seen(
        "encoding.spec.whatwg.org/#names-and-labels",
        one(http("朱镕基".encode("gbk"), "Content-Type: text/plain; charset=gb2312")),
        "朱镕基",
    ),
    "compressed though nobody asked": Seen(
        "github.com/apache/trafficcontrol/issues/1737", one(http(gzip.compress(PRICE), JSON, "Content-Encoding: gzip"))
    ),
    "x-gzip": Seen(
        "github.com/notatallshaw/nab/pull/591", one(http(gzip.compress(PRICE), JSON, "Content-Encoding: x-gzip"))
    ),
    "deflate without its header": Seen(
        "github.com/curl/curl/issues/2368", one(http(zlib.compress(PRICE)[2:-4], JSON, "Content-Encoding: deflate"))
    ),
    "plain though it says compressed": Seen(
        "github.com/xroche/httrack/pull/515",
        one(http(PRICE, JSON, "Content-Encoding: gzip")),
        "compression is broken",
        is_error=True,
    ),
    "an encoding that is none": Seen(
        "github.com/curl/curl/issues/2368", one(http(PRICE, JSON, "Content-Encoding: UTF-8"))
    ),
    "shorter than it says": Seen(
        "rfc-editor.org/rfc/rfc9112#name-handling-incomplete-message",
        one(http(PRICE, JSON, "Content-Length: 500", sized=False)),
        "",
        is_error=True,
    ),
    "cut while compressed": Seen(
        "github.com/psf/requests/issues/3849",
        one(http(gzip.compress(PRICE * 50)[:-20], JSON, "Content-Encoding: gzip")),
        "compression is broken",
        is_error=True,
    ),
    "compressed twice": Seen(
        "rfc-editor.org/rfc/rfc9110#section-8.4",
        one(http(gzip.compress(zlib.compress(PRICE)), JSON, "Content-Encoding: deflate, gzip")),
    ),
    "compressed, with padding behind it": Seen(
        "gnu.org/software/gzip/manual (trailing zeros are ignored)",
        one(http(gzip.compress(PRICE) + bytes(8), JSON, "Content-Encoding: gzip")),
    ),
    "members of gzip, one after another": Seen(
        "rfc-editor.org/rfc/rfc1952#section-2.2",
        one(http(gzip.compress(PRICE[:4]) + gzip.compress(PRICE[4:]), JSON, "Content-Encoding: gzip")),
    ),
    "an encoding that we did not ask for and do not know": Seen(
        "rfc-editor.org/rfc/rfc8878",
        one(http(b"\x28\xb5\x2f\xfd" + bytes(range(200)), JSON, "Content-Encoding: zstd")),
        "compression",
        is_error=True,
    ),
    "a length twice": Seen(
        "rfc-editor.org/rfc/rfc9110#section-8.6", one(http(PRICE, JSON, f"Content-Length: {len(PRICE)}"))
    ),
    "a length and chunks": Seen(
        "rfc-editor.org/rfc/rfc9112#section-6.3",
        one(chunked(PRICE).replace(b"\r\nTransfer", b"\r\nContent-Length: 3\r\nTransfer", 1)),
    ),
    "a header over two lines": Seen(
        "rfc-editor.org/rfc/rfc9112#section-5.2", one(http(PRICE, JSON + ";\r\n charset=utf-8"))
    ),
    "lines that end in LF alone": Seen(
        "rfc-editor.org/rfc/rfc9112#section-2.2", one(http(PRICE, JSON).replace(b"\r\n", b"\n"))
    ),
    "a type with an empty parameter": Seen(
        "rfc-editor.org/rfc/rfc9110#section-5.6.6", one(http(PRICE, "Content-Type: application/json;charset=utf-8;;"))
    ),
    "partial content": Seen(
        "rfc-editor.org/rfc/rfc9110#section-15.3.7",
        one(http(PRICE, JSON, "Content-Range: bytes 0-11/12", status="206 Partial Content")),
    ),
    "not modified": Seen(
        "rfc-editor.org/rfc/rfc9110#section-15.4.5",
        one(http(status="304 Not Modified", sized=False)),
        "304",
        is_error=True,
    ),
    "a status of its own": Seen(
        "developers.cloudflare.com (520 to 530)",
        one(http(b"error code: 520", "Content-Type: text/plain", status="520 ")),
        "520",
        is_error=True,
    ),
    "keys that come twice": Seen("rfc-editor.org/rfc/rfc8259#section-4", one(http(b'{"price": 1, "price": 7}', JSON))),
    "UTF-16 that says UTF-8": Seen(
        "encoding.spec.whatwg.org/#decode", one(http('{"price": 7}'.encode("utf-16-le"), JSON + "; charset=utf-8"))
    ),
    "no length and no chunks": Seen(
        "rfc-editor.org/rfc/rfc9112#name-message-body-length", one(http(PRICE, JSON, "Connection: close", sized=False))
    ),
    "HTTP/1.0": Seen("docs.python.org/3/library/http.server.html", one(b"HTTP/1.0 200 OK\r\n\r\n" + PRICE)),
    "chunks with extensions and a trailer": Seen(
        "rfc-editor.org/rfc/rfc9112#name-chunk-extensions",
        one(chunked(PRICE[:3], PRICE[3:], extension=b';sign="a;b"', trailer=b"Expires: 0\r\n")),
    ),
    "early hints first": Seen(
        "rfc-editor.org/rfc/rfc8297",
        one(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n" + http(PRICE, JSON)),
    ),
    "no reason phrase": Seen("rfc-editor.org/rfc/rfc9112#name-status-line", one(http(PRICE, JSON, status="200 "))),
    "no content": Seen(
        "rfc-editor.org/rfc/rfc9110#name-204-no-content",
        one(http(status="204 No Content", sized=False)),
        '{"status": 204}',
    ),
    "empty JSON": Seen("rfc-editor.org/rfc/rfc9110#section-8.6", one(http(b"", JSON)), '{"status": 200}'),
    "a JSON text alone": Seen("rfc-editor.org/rfc/rfc8259#section-2", one(http(b'"seven"', JSON)), '"seven"'),
    "null": Seen("rfc-editor.org/rfc/rfc8259#section-2", one(http(b"null", JSON)), "null"),
    "a type of its own with a suffix": Seen(
        "rfc-editor.org/rfc/rfc6839",
        one(http(PRICE, 'Content-Type: application/vnd.api+json; ext="https://a"')),
        "7",
        {"result_path": "price"},
    ),
    "a problem": Seen(
        "rfc-editor.org/rfc/rfc9457",
        one(
            http(
                b'{"title":"Out of credit","detail":"30 short"}',
                "Content-Type: application/problem+json",
                status="403 Forbidden",
            )
        ),
        "Out of credit",
        is_error=True,
    ),
    "raw UTF-8 in the place it redirects to": Seen(
        "github.com/0x676e67/wreq/issues/1290",
        {
            "/x": http(b"", "Location: /caf" + "é".encode().decode("latin-1"), status="302 Found"),
            "/caf%C3%A9": http(PRICE, JSON),
        },
        asked=["GET /x", "GET /caf%C3%A9"],
    ),
    "a redirect with a fragment": Seen(
        "rfc-editor.org/rfc/rfc9110#name-location",
        {"/x": http(b"", "Location: ./y?a=1#part", status="307 Temporary Redirect"), "/y?a=1": http(PRICE, JSON)},
        asked=["GET /x", "GET /y?a=1"],
    ),
    "a post that turns into a get": Seen(
        "rfc-editor.org/rfc/rfc9110#name-303-see-other",
        {"/x": http(b"", "Location: /y", status="303 See Other"), "/y": http(PRICE, JSON)},
        tool={"method": "POST", "body": {"a": 1}, "body_type": "json"},
        asked=["POST /x", "GET /y"],
    ),
    "a circle": Seen(
        "rfc-editor.org/rfc/rfc9110#name-redirection-3xx",
        one(http(b"", "Location: /x", status="302 Found")),
        "redirect",
        asked=["GET /x"],
        is_error=True,
    ),
    "a redirect to nowhere": Seen(
        "rfc-editor.org/rfc/rfc9110#name-location", one(http(b"Gone away", status="302 Found")), "302", is_error=True
    ),
    "two links in one line and in two": Seen(
        "rfc-editor.org/rfc/rfc8288#section-3",
        one(http(PRICE, JSON, 'Link: </a,b?p=2>; rel="next", </x>; rel=first', 'Link: </z>; rel="last"')),
        '{"headers":{"link":"</a,b?p=2>; rel=\\"next\\", </x>; rel=first, </z>; rel=\\"last\\""},"body":{"price":7}}',
        {"result_headers": ["Link"]},
    ),
    "a header in UTF-8": Seen(
        "github.com/psf/requests/issues/3888",
        one(http(PRICE, JSON, "X-Name: " + "Größe".encode().decode("latin-1"))),
        '{"headers":{"x-name":"Größe"},"body":{"price":7}}',
        {"result_headers": ["X-Name"]},
    ),
    "two types": Seen("fetch.spec.whatwg.org/#concept-header-extract-mime-type", one(http(PRICE, JSON, JSON))),
}
