"""Verifies presented keys: one indexed read per request, argon2 once per key and process.

All failures have the same cost and the same response, whether the id is unknown, the secret is wrong, or the key is
revoked, expired or a canary: one read, one count for the id and address, and 401, or 429 after too many, and never
sooner than FAILURE_SECONDS. Throttling affects only failures, never a valid key, so a guesser behind the same proxy
cannot lock anyone out.

Two checks separate valid keys from guesses before argon2 runs. Keys that this worker has verified are known by a keyed
digest. For the others, a few bits of a digest are stored next to the hash: only a secret that matches them goes to
argon2; any other is certain to fail. While an id is blocked for an address, the worker remembers these bits, so a flood
costs no statement, and the holder's key still passes. A key from an earlier version has no such bits until it is first
verified: until then, each guess is read and checked by argon2 in a queue of its own, because blocking would lock its
holder out.

Why a key failed is in the exception for the record of the refusal (`keys/refusals/`); no response shows it.
"""

import asyncio
import hmac
import secrets
import time
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from cachetools import LRUCache

from apps_registry.support import database
from apps_registry.support.database_errors import is_transient
from keys import crypto
from keys.callers import Caller
from keys.failure_counts import VerifierBusy
from keys.failures import InvalidKey, KeyFailures, TooManyFailures
from keys.last_use import key_uses
from keys.reading import READ_KEY, READ_KEY_OF_TOKEN, KeyRow, split
from keys.tokens.bounds import TokenBounds
from keys.tokens.signing_keys import signing_keys
from keys.tokens.text import read_token, signer_of

STORE_CHECK = "UPDATE keys_appkey SET secret_check = %s WHERE id = %s AND secret_check IS NULL"

VERIFIED_MAX = 100_000
# How many keys may wait for their first check, which takes a millisecond: after a start, many holders call at the same
# time. Guesses are refused before this check.
FIRST_CHECKS_MAX = 5_000
# How many checks of an earlier version's keys may wait: the wait must be short compared with FAILURE_SECONDS.
GUESSES_MAX = 16
# A failure is answered no sooner than this after its start, in seconds. What differs between the kinds of failure (a
# row found or not, argon2 for keys of an earlier version) takes about a millisecond and disappears in it.
FAILURE_SECONDS = 0.025


@dataclass(frozen=True, slots=True)
class _Row:
    """The stored columns of the presented key; for an unknown, revoked or expired key, a row that nothing matches."""

    key_id: int | None
    secret_hash: str
    secret_check: str | None
    failure: InvalidKey


def _row_for(read: KeyRow) -> _Row:
    """Return the row to compare a secret with; nothing matches it if there is no key or the key is not usable."""
    if read.canary_id is not None:
        rule = "key_canary"
    elif read.key_id is None:
        rule = "key_unknown"
    elif read.is_usable:
        failure = InvalidKey("key_wrong_secret", read.key_id)
        return _Row(read.key_id, read.secret_hash, read.secret_check, failure)
    else:
        rule = "key_revoked" if read.is_revoked else "key_expired"
    failure = InvalidKey(rule, read.key_id, read.canary_id)
    return _Row(None, secret_hash="", secret_check="", failure=failure)


class _Queue:
    """One argon2 thread, with a bounded number of checks waiting for it; calls with the same key share a check."""

    def __init__(self, name: str, *, limit: int) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._limit = limit
        self._checks: dict[tuple[str, str], asyncio.Future[bool]] = {}

    async def matches(self, secret_hash: str, secret: str) -> bool:
        """Whether the hash matches the secret.

        Raises:
            VerifierBusy: too many are waiting.
        """
        check = self._checks.get((secret_hash, secret)) or self._begin(secret_hash, secret)
        return await asyncio.shield(check)  # a client that disconnects must not cancel the check for others

    def _begin(self, secret_hash: str, secret: str) -> asyncio.Future[bool]:
        if len(self._checks) >= self._limit:
            raise VerifierBusy
        loop = asyncio.get_running_loop()
        check = loop.run_in_executor(self._thread, crypto.verify_secret, secret_hash, secret)
        self._checks[secret_hash, secret] = check
        check.add_done_callback(lambda _: self._checks.pop((secret_hash, secret)))
        return check


async def _try_to_write(statement: str, parameters: Sequence[object]) -> None:
    """Write data for later use; a read-only Postgres must not lock out valid keys."""
    try:
        await database.execute(statement, parameters)
    except Exception as error:
        if not is_transient(error):
            raise


class KeyVerifier:
    """Checks keys for one worker process."""

    def __init__(self) -> None:
        self._process_key = secrets.token_bytes(32)
        # fingerprint of a key -> the stored hash that it matched
        self._verified: LRUCache[bytes, str] = LRUCache(VERIFIED_MAX)
        self._good = _Queue("argon2", limit=FIRST_CHECKS_MAX)
        self._guesses = _Queue("argon2-failures", limit=GUESSES_MAX)
        self._failures = KeyFailures()

    async def anonymous(self, *, address: str) -> Caller:
        """Return the caller of a request without a key; `address` is as for `verify`."""
        rows = await database.read(READ_KEY, {"lookup_id": None})
        return Caller(key_id=None, app_ids=frozenset(), revision=KeyRow(*rows[0]).revision, address=address)

    async def verify(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this key.

        Args:
            presented: the unmodified header value.
            address: the client's network: an IPv4 address, or the /64 of an IPv6 address; failures are counted by it.

        Raises:
            InvalidKey: the key does not work.
            TooManyFailures: the key does not work, and its id and address had 20 failures within a minute.
            VerifierBusy: the queue for first-time checks, or the queue of failures, is full.
        """
        parts = crypto.parse_key(presented)
        if parts is None:
            raise InvalidKey
        return await _failing_in_equal_time(self._verified_caller(parts, address))

    async def _verified_caller(self, parts: crypto.KeyParts, address: str) -> Caller:
        digest = crypto.fingerprint(parts.plain, process_key=self._process_key)
        if blocked := self._blocked_guess(parts, digest, address):
            raise blocked
        rows = await database.read(READ_KEY, {"lookup_id": parts.lookup_id})
        read = KeyRow(*rows[0])
        row = _row_for(read)
        if not await self._matches(parts, digest, row):
            self._verified.pop(digest, None)  # a revoked key counts as a guess
            await self._failures.refuse(parts.lookup_id, address, row.failure, secret_check=row.secret_check)
        return _used(read.caller(address=address), read)

    async def verify_token(self, presented: str, *, address: str) -> Caller:
        """Return the caller that presents this browser token.

        The signature costs microseconds, and no guess of 256 bits succeeds, so failures are not counted.

        Args:
            presented: the unmodified token.
            address: as for `verify`.

        Raises:
            InvalidKey: it does not work, or its key or App no longer does.
        """
        return await _failing_in_equal_time(_caller_of_token(presented, address))

    @property
    def blocks_any(self) -> bool:
        """Whether this worker remembers blocks; some may have ended."""
        return self._failures.blocks_any

    def block_of(self, presented: str, *, address: str) -> TooManyFailures | None:
        """Return the refusal of a key that is a guess at an id that is blocked for the address, otherwise None.

        It needs no statement and returns immediately, so the caller must delay the answer: see FAILURE_SECONDS.

        Args:
            presented: the unmodified header value.
            address: as for `verify`.
        """
        parts = crypto.parse_key(presented)
        if parts is None or self._failures.block_of(parts.lookup_id, address) is None:
            return None
        return self._blocked_guess(parts, crypto.fingerprint(parts.plain, process_key=self._process_key), address)

    def _blocked_guess(self, parts: crypto.KeyParts, digest: bytes, address: str) -> TooManyFailures | None:
        """Return the refusal of a secret for a blocked id, if it cannot be the right one."""
        block = self._failures.block_of(parts.lookup_id, address)
        if block is None or digest in self._verified or _passes_check(parts.secret, block.secret_check):
            return None
        return TooManyFailures(block.left, block.rule, block.failure)

    async def _matches(self, parts: crypto.KeyParts, digest: bytes, row: _Row) -> bool:
        if self._verified.get(digest) == row.secret_hash:
            return True
        if row.secret_check is not None and not _passes_check(parts.secret, row.secret_check):
            return False
        queue = self._guesses if row.secret_check is None else self._good
        if not await queue.matches(row.secret_hash, parts.secret):
            return False
        self._verified[digest] = row.secret_hash
        if row.secret_check is None:
            await _try_to_write(STORE_CHECK, [crypto.secret_check(parts.secret), row.key_id])
        return True


async def _failing_in_equal_time(check: Awaitable[Caller]) -> Caller:
    """Return what a check returns; delay its failure until FAILURE_SECONDS after its start."""
    started = time.monotonic()
    try:
        return await check
    except (InvalidKey, TooManyFailures):
        await asyncio.sleep(started + FAILURE_SECONDS - time.monotonic())
        raise


async def _caller_of_token(presented: str, address: str) -> Caller:
    token = await _signed_token(presented)
    rows = await database.read(READ_KEY_OF_TOKEN, {"lookup_id": token.lookup_id})
    read, conditions = split(rows[0])
    if not read.is_usable or read.key_id is None:
        raise InvalidKey("token_key_gone", read.key_id)
    if rule := conditions.broken_rule(token, read.app_ids):
        raise InvalidKey(rule, read.key_id)
    return _used(read.caller(address=address, token=token), read)


def _passes_check(secret: str, check: str) -> bool:
    return hmac.compare_digest(crypto.secret_check(secret), check)


def _used(caller: Caller, read: KeyRow) -> Caller:
    """Note the use of a key, if it must be written, and return its caller."""
    if read.is_stale and read.key_id is not None:
        key_uses.note(read.key_id, caller.address)
    return caller


async def _signed_token(presented: str) -> TokenBounds:
    """Return the content of a token that one of our signing keys has signed.

    Raises:
        InvalidKey: the text is not a token, or none of our keys has signed it.
    """
    signer_id = signer_of(presented)
    secret = None if signer_id is None else await signing_keys.secret(signer_id)
    if (token := read_token(presented, secret) if secret else None) is None:
        raise InvalidKey("token_not_signed_here")
    return token


verifier = KeyVerifier()
