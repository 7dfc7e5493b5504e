"""The limits of a subject, and the refusal of a call that exceeds one. No database, no HTTP."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

# Subjects: who a set of limits is for. Stored as text, so that one table holds those of all kinds.
KEYLESS = "keyless"  # all callers without a key together; its daily limits are the fuse
EACH_ADDRESS = "address"  # every single address of callers without a key

Code = Literal["rate_limited", "budget_exhausted"]


def key_subject(key_id: int) -> str:
    """Return the subject of an App key's limits."""
    return f"key:{key_id}"


def app_subject(app_id: int) -> str:
    """Return the subject of the limits of an App as a whole."""
    return f"app:{app_id}"


def address_subject(address: str) -> str:
    """Return the subject of one address without a key; its limits are those of EACH_ADDRESS."""
    return f"{EACH_ADDRESS}:{address}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one subject; None: no limit. Days and months begin at midnight UTC.

    Attributes:
        requests_per_minute: calls that start a turn or create a session.
        burst: how many of them may come at once; None: as many as `requests_per_minute`.
        concurrent_turns: turns that run at the same time.
        tokens_per_day, tokens_per_month: of prompts and answers together.
        money_per_day, money_per_month: by the models' prices, in their currency.
    """

    requests_per_minute: int | None = None
    burst: int | None = None
    concurrent_turns: int | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    money_per_day: Decimal | None = None
    money_per_month: Decimal | None = None


class LimitExceeded(Exception):
    """A call would exceed a limit; nothing was stored.

    Attributes:
        subject: whose limit, such as "key:12"; for operators only.
        rule: a stable word for operators: "requests_per_minute", "concurrent_turns", "tokens_per_day",
            "tokens_per_month", "money_per_day", "money_per_month", "money_without_price" or "fuse_pulled".
        what: what is limited: "requests", "turns", "tokens" or "money".
        per: "minute", "day", "month" or "" (turns at the same time).
        limit: the limit, in units of `what`; None for a rule without a number.
        left: what is left of it now.
        retry_after: seconds after which the same call may pass, at least 1.
        code: the API's error code.
    """

    def __init__(
        self,
        *,
        subject: str,
        rule: str,
        what: str,
        per: str,
        limit: Decimal | int | None,
        left: Decimal | int,
        retry_after: int,
        code: Code,
    ) -> None:
        super().__init__(rule)
        self.subject, self.rule, self.what, self.per = subject, rule, what, per
        self.limit, self.left, self.retry_after, self.code = limit, left, retry_after, code

    @property
    def facts(self) -> dict[str, str]:
        """What was compared, for operators."""
        kind = self.subject.partition(":")[0]
        compared = {"limit_of": kind, "limit": self.limit, "left": self.left}
        return {name: str(value) for name, value in compared.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Payer:
    """For whom a turn, a title or a summary counts.

    Attributes:
        app_id: the App; None for a session that has none yet.
        key_id: the caller's App key; None without a key.
        address: the network of a caller without a key, as in Caller; empty if it has none.
    """

    app_id: int | None
    key_id: int | None
    address: str = ""

    def subject(self, kind: str) -> str:
        """Return the payer's subject of a kind: app, key, address or keyless."""
        of_kind = {EACH_ADDRESS: address_subject(self.address)}
        if self.app_id is not None:
            of_kind["app"] = app_subject(self.app_id)
        if self.key_id is not None:
            of_kind["key"] = key_subject(self.key_id)
        return of_kind.get(kind, kind)
