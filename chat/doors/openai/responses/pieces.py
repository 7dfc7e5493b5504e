"""The pieces in which the texts of a response are streamed.

A stream that is opened again has the same events with the same numbers, on every worker, even after the end of the
turn, when each text is stored as a whole. So the lengths of the pieces are kept: during the turn in the memory of the
worker that runs it, then in the record of the request.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

from apps_registry.support.forever import run_once
from chat.events import RoundEnded, TextDelta, TurnEvent
from chat.turns.running.running_turn import RunningTurn
from sessions_app.turns.responses import RecordedTurn, ResponseRecord, recorded_turn, set_in_record
from sessions_app.values import StoredMessage

STORING_SECONDS, POLL_SECONDS = 3.0, 0.05
RECENT_SECONDS = 30.0  # more than the difference between the clocks of workers and Postgres
_storing: set["asyncio.Task[object]"] = set()  # asyncio itself keeps only weak references


@dataclass(slots=True, eq=False)
class Pieces:
    """A listener of one turn that keeps the lengths for one request.

    Attributes:
        turn_id: the turn's id; a reference to the turn itself would be a cycle.
        round_number: the round at which the request continued the turn; 0 if the request began it.
        lengths: for each text, the lengths of its pieces in characters; the last text may be unfinished.
    """

    turn_id: UUID
    round_number: int
    lengths: list[list[int]] = field(default_factory=list)
    _is_within: bool = False
    _storing: "asyncio.Task[object] | None" = None

    @classmethod
    def of(cls, turn: RunningTurn, round_number: int) -> "Pieces":
        """Return a listener of a turn that begins with the texts so far, each as one piece."""
        messages = [*(turn.session.messages if turn.session else ()), *turn.messages]
        lengths = [[len(message.content)] for message in messages if is_text_of(message, turn, round_number)]
        pieces = cls(turn.turn_id, round_number, lengths)
        pieces.tell(TextDelta(turn.partial_text))
        return pieces

    def tell(self, event: TurnEvent | None) -> None:
        """Add the text of an event; None means that the turn has ended and is stored."""
        match event:
            case TextDelta(text) if text:
                self._add(len(text))
            case RoundEnded(text=text) if text:
                streamed = sum(self.lengths[-1]) if self._is_within else 0
                if len(text) > streamed:
                    self._add(len(text) - streamed)
                self._is_within = False
            case None:
                self._store()

    def record_is_stored(self) -> None:
        """Store the lengths again if the turn ended before the record of the request was stored."""
        if self._storing is not None:
            self._store()

    async def stored(self) -> None:
        """Wait until the lengths are stored, if the turn has ended; if storing fails, each text counts as one piece."""
        if self._storing is not None:
            await asyncio.wait({self._storing})

    def _store(self) -> None:
        step = partial(set_in_record, self.turn_id, self.round_number, pieces=self.lengths)
        self._storing = asyncio.create_task(run_once("store-pieces", step))
        _storing.add(self._storing)
        self._storing.add_done_callback(_storing.discard)

    def _add(self, length: int) -> None:
        if not self._is_within:
            self.lengths.append([])
        self._is_within = True
        self.lengths[-1].append(length)


def is_text_of(message: StoredMessage, turn: RunningTurn, after_round: int) -> bool:
    """Tell whether a message is the text of a finished round of the turn, later than `after_round`."""
    is_own = message.turn_id == turn.turn_id and message.role == "agent" and bool(message.content)
    return is_own and message.tool_round > after_round


def keep_pieces(running: RunningTurn, round_number: int) -> Pieces:
    """Return the listener that keeps the pieces for a request; add it to the turn if there is none yet."""
    for listener in running.listeners:
        if isinstance(listener, Pieces) and listener.round_number == round_number:
            return listener
    pieces = Pieces.of(running, round_number)
    running.listeners.insert(0, pieces)  # before the streams, which split texts by its lengths
    return pieces


async def stored_pieces(turn_id: UUID, round_number: int) -> Sequence[Sequence[int]]:
    """Return the lengths for a request whose turn has ended; if they are empty, each text is one piece.

    The worker that ran the turn stores them just after its end, so they may be missing for a moment.
    """
    deadline = time.monotonic() + STORING_SECONDS
    while True:
        turn = await recorded_turn(turn_id)
        record = turn.record_at(round_number) if turn else None
        if turn is None or record is None:
            return ()
        if record.pieces is not None or not _is_being_stored(turn, record) or time.monotonic() > deadline:
            return record.pieces or ()
        await asyncio.sleep(POLL_SECONDS)


def _is_being_stored(turn: RecordedTurn, record: ResponseRecord) -> bool:
    if not record.keeps_pieces or turn.end.status == "running" or turn.end.error_code == "worker_lost":
        return False
    return turn.finished_at is None or time.time() - turn.finished_at < RECENT_SECONDS
