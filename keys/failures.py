"""Counts failed keys, and blocks ids and addresses with too many failures.

The counts are in Postgres, for all workers; a worker remembers its blocks, so that a flood costs few statements.
"""

import math
import time
from dataclasses import dataclass
from typing import NoReturn

from cachetools import LRUCache

from keys.failure_counts import ADDRESS_FAILURES_PER_MINUTE, FailureCounts

# Each takes about 400 bytes. Made-up ids fill it, and a forgotten block only costs a statement.
BLOCKS_MAX = 20_000
FAILURES_PER_MINUTE = 20


class InvalidKey(Exception):
    """The key or token is malformed, unknown, wrong, revoked, expired or a canary; callers cannot learn which.

    Attributes:
        rule: which of these, for operators.
        key_id: the AppKey with the presented id, if there is one.
        canary_id: the CanaryKey with the presented id, if there is one.
    """

    def __init__(self, rule: str = "key_malformed", key_id: int | None = None, canary_id: int | None = None) -> None:
        super().__init__(rule)
        self.rule, self.key_id, self.canary_id = rule, key_id, canary_id


class TooManyFailures(Exception):
    """Too many failures for this id from this address, or from this address in total.

    Attributes:
        retry_after: seconds until the next attempt is checked.
        rule: which of the two limits, for operators.
        cause: why this attempt failed, or an earlier one with the same id.
    """

    def __init__(self, retry_after: float, rule: str, cause: InvalidKey) -> None:
        super().__init__(retry_after)
        self.retry_after, self.rule, self.cause = max(1, math.ceil(retry_after)), rule, cause


@dataclass(frozen=True, slots=True)
class Block:
    """What a worker remembers of a blocked id.

    Attributes:
        until: when the block ends; `time.monotonic()`.
        secret_check: the check bits of a valid secret for the id, "" if there is none.
        failure: why the last attempt failed.
        rule: the limit that blocks.
    """

    until: float
    secret_check: str
    failure: InvalidKey
    rule: str

    @property
    def left(self) -> float:
        """Seconds until the block ends."""
        return self.until - time.monotonic()


class KeyFailures:
    """The failures that one worker counts, and its blocks."""

    def __init__(self) -> None:
        self._blocked_ids: LRUCache[tuple[str, str], Block] = LRUCache(BLOCKS_MAX)
        self._blocked_addresses: LRUCache[str, float] = LRUCache(BLOCKS_MAX)
        self._counts = FailureCounts()

    @property
    def blocks_any(self) -> bool:
        """Whether any id is remembered as blocked; the block may have ended."""
        return bool(self._blocked_ids)

    def block_of(self, lookup_id: str, address: str) -> Block | None:
        """Return the block of an id for an address, if there is one now."""
        block = self._blocked_ids.get((lookup_id, address))
        return block if block is not None and block.left > 0 else None

    async def refuse(self, lookup_id: str, address: str, failure: InvalidKey, *, secret_check: str | None) -> NoReturn:
        """Count a failed key and refuse it.

        Args:
            lookup_id: the presented id.
            address: the caller's network.
            failure: why the key does not work.
            secret_check: the check bits of a valid secret for the id, "" if there is none; None if they are not known
                yet: then the id is not blocked, because a block could not distinguish its holder from a guesser.

        Raises:
            InvalidKey: the failure.
            TooManyFailures: there were too many failures before it.
            VerifierBusy: too many wait to be counted.
        """
        if (left := self._blocked_addresses.get(address, -math.inf) - time.monotonic()) > 0:
            self._refuse((lookup_id, address), left, "key_failures_of_address", failure, secret_check)
        counts = await self._counts.count(lookup_id, address)
        if counts.of_address > ADDRESS_FAILURES_PER_MINUTE:
            self._blocked_addresses[address] = time.monotonic() + counts.address_left
            self._refuse((lookup_id, address), counts.address_left, "key_failures_of_address", failure, secret_check)
        if counts.of_id > FAILURES_PER_MINUTE:
            self._refuse((lookup_id, address), counts.id_left, "key_failures_of_id", failure, secret_check)
        raise failure

    def _refuse(
        self, blocked: tuple[str, str], left: float, rule: str, failure: InvalidKey, secret_check: str | None
    ) -> NoReturn:
        """Remember the block, so that the next guess at this id costs no statement, and refuse."""
        if secret_check is not None:
            self._blocked_ids[blocked] = Block(time.monotonic() + left, secret_check, failure, rule)
        raise TooManyFailures(left, rule, failure)
