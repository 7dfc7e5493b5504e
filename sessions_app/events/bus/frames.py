"""Splits messages into frames that fit a NOTIFY payload (under 8,000 bytes), and reassembles them."""

import base64
import itertools
from collections import OrderedDict

# Postgres refuses payloads of 8,000 bytes or more; base64 adds a third, and the frame's header takes the rest.
PIECE_BYTES = 5_800
MESSAGE_MAX_BYTES = 1024 * 1024
UNFINISHED_MAX = 1_000

_numbers = itertools.count()


def frames(message: bytes, *, sender: str) -> list[str]:
    """Return the payloads that carry a message.

    Args:
        message: at most MESSAGE_MAX_BYTES; a longer message has no frames and is not sent.
        sender: a name for this connection, without colons.
    """
    if len(message) > MESSAGE_MAX_BYTES:
        return []
    number = next(_numbers)
    pieces = [message[start : start + PIECE_BYTES] for start in range(0, len(message), PIECE_BYTES)] or [b""]
    return [f"{sender}:{number}:{n}:{len(pieces)}:{base64.b64encode(piece).decode()}" for n, piece in enumerate(pieces)]


class Assembler:
    """Reassembles frames; a message with a lost frame is dropped."""

    def __init__(self) -> None:
        self._unfinished: OrderedDict[tuple[str, str], list[bytes]] = OrderedDict()

    def add(self, payload: str) -> tuple[str, bytes] | None:
        """Add a frame and return (sender, message) when it completes a message; ignore malformed frames."""
        try:
            sender, number, n, total, text = payload.split(":", 4)
            piece = base64.b64decode(text, validate=True)
            if total == "1":
                return sender, piece
            pieces = self._unfinished.setdefault((sender, number), [])
            if int(n) != len(pieces):  # an earlier frame was lost
                del self._unfinished[sender, number]
                return None
            pieces.append(piece)
            if len(pieces) == int(total):
                return sender, b"".join(self._unfinished.pop((sender, number)))
        except ValueError:
            return None
        while len(self._unfinished) > UNFINISHED_MAX:
            self._unfinished.popitem(last=False)
        return None
