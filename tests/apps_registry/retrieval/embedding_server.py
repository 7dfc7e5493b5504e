"""A real HTTP server on loopback with OpenAI's /embeddings; its vectors treat a few synonyms as equal."""

import hashlib
import json
import math
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SYNONYMS = {"automobile": "car", "vehicle": "car", "physician": "doctor", "remuneration": "salary"}


class EmbeddingServer:
    """Returns embeddings unless a test sets another answer."""

    dimensions = 64

    def __init__(self) -> None:
        self.status = 200
        self.factor = 1.0
        self.requests: list[dict[str, Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.requests.append(body)
                data = [
                    {"index": n, "embedding": [outer.factor * number for number in vector_of(text)]}
                    for n, text in enumerate(body["input"])
                ]
                answer = json.dumps({"data": data[::-1]} if outer.status == 200 else {"error": "no"}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def vector_of(text: str) -> list[float]:
    """Return a bag of words in which synonyms count as the same word."""
    numbers = [0.0] * EmbeddingServer.dimensions
    for word in re.findall(r"\w{3,}", text.lower()):
        digest = hashlib.sha256(SYNONYMS.get(word, word).encode()).digest()
        numbers[digest[0] % EmbeddingServer.dimensions] += 1 if digest[1] % 2 else -1
    length = math.sqrt(sum(number * number for number in numbers)) or 1.0
    return [number / length for number in numbers]
