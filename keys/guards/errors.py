"""The refusals of this package; keys/http/ and chat/api/ turn them into responses."""

from apps_registry.support.http.request_notes import Fact


class CallerLimit(Exception):
    """A caller has reached a limit; nothing was stored.

    Attributes:
        rule: a stable word for operators; see keys/refusals/rules.py.
        detail: a sentence for the caller.
        retry_after: seconds after which the same call may pass, at least 1.
        facts: what was compared, for operators.
    """

    def __init__(self, rule: str, detail: str, *, retry_after: int, **facts: Fact) -> None:
        super().__init__(rule)
        self.rule, self.detail, self.retry_after, self.facts = rule, detail, max(1, retry_after), facts
