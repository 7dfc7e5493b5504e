"""A small price API for the example App: `python examples/mycoindex/prices.py`. Its prices are made up."""

import argparse
import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PRICES = {
    "BTC": {"name": "Bitcoin", "usd": 64250.0, "change_24h_percent": 1.8},
    "ETH": {"name": "Ether", "usd": 3125.5, "change_24h_percent": -0.6},
    "SOL": {"name": "Solana", "usd": 148.2, "change_24h_percent": 3.1},
    "LINK": {"name": "Chainlink", "usd": 14.75, "change_24h_percent": 0.4},
    "UNI": {"name": "Uniswap", "usd": 7.9, "change_24h_percent": -1.2},
}


class Handler(BaseHTTPRequestHandler):
    """Answers `GET /v1/prices` and `GET /v1/prices/SYMBOL` in JSON."""

    def do_GET(self) -> None:
        """Look the path up."""
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts == ["v1", "prices"]:
            self._answer(200, {"tokens": sorted(PRICES)})
        elif parts[:2] == ["v1", "prices"] and len(parts) == 3 and parts[2].upper() in PRICES:
            symbol = parts[2].upper()
            self._answer(200, {"symbol": symbol, **PRICES[symbol]})
        else:
            self._answer(404, {"error": f"There is no such token. Tokens: {', '.join(sorted(PRICES))}."})

    def _answer(self, status: int, data: object) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    with ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Handler) as server:
        sys.stderr.write(f"Prices at http://127.0.0.1:{server.server_port}/v1/prices/ETH (Ctrl-C ends it)\n")
        with suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    main()
