"""Declines offers to upgrade to another protocol (h2c, websocket, TLS), and serves these requests as HTTP/1.1.

A server may ignore an `Upgrade` (RFC 9110, 7.8). httptools cannot: its parser stops after the head of such a request,
and the body is lost. So the head is parsed again without the offer, by a new parser that also reads what follows.
"""

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_OFFERS = frozenset({b"upgrade", b"http2-settings"})


class DeclinesUpgrades(HttpToolsProtocol):
    """uvicorn's httptools protocol, but no request offers an upgrade, and trailers are not treated as headers."""

    _is_in_head = False

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        rest = memoryview(data)
        try:
            while rest:
                rest = self._feed(rest)
        except httptools.HttpParserError:
            self.logger.warning("Invalid HTTP request received.")
            self.send_400_response("Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        self._is_in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Accept a header; ignore fields after a chunked body, which could override headers checked by a proxy."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Pass the request on, unless its head has to be parsed again."""
        self._is_in_head = False
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """End the request, unless its head has to be parsed again."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _feed(self, data: memoryview) -> memoryview:
        """Parse up to the next head with an offer, restart parsing at that head, and return what follows it."""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            if self.parser.get_method() == b"CONNECT":  # it has no body, whatever its headers say
                raise httptools.HttpParserError("CONNECT") from None
            head = self._head_without_offer()
            self.parser = httptools.HttpRequestParser(self)
            self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn does
            self.parser.feed_data(head)
            return data[offer.args[0] :]
        return data[:0]

    def _head_without_offer(self) -> bytes:
        lines = [b"%s %s HTTP/%s" % (self.parser.get_method(), self.url, self.parser.get_http_version().encode())]
        for name, value in self.headers:
            kept = _without_offers(value) if name == b"connection" else value
            if name not in _OFFERS:
                lines.append(b"%s: %s" % (name, kept))
        return b"\r\n".join([*lines, b"", b""])


def _without_offers(connection: bytes) -> bytes:
    tokens = (token.strip() for token in connection.split(b","))
    return b", ".join(token for token in tokens if token.lower() not in _OFFERS)
