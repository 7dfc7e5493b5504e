"""Counts what requests to models outside of turns use: titles and summaries.

Before the model is asked, limits count the most that the answer may use; afterwards the difference is returned. If the
worker dies in between, the maximum stays counted until the day and the month end.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

import orjson

from apps_registry.support import database
from keys.limits.admission import admission_of
from keys.limits.refusals import applied
from keys.limits.values import Payer

Kind = Literal["title", "summary"]

BEGIN = """
SELECT subjects, keys_limits_admit(subjects, 0, 0, 0, 0, %(tokens)s, COALESCE(%(cost)s::numeric, 0),
    %(cost)s::numeric IS NOT NULL)
FROM (SELECT keys_limits_subjects(%(app)s, %(key)s, %(admission)s::jsonb) AS subjects OFFSET 0) found
"""
END = """
SELECT keys_limits_settle(%(subjects)s::jsonb, 0, 0, 0, %(tokens)s, %(money)s::numeric),
    keys_usage_add(clock_timestamp(), %(app)s, COALESCE(%(key)s, 0), %(model)s, %(kind)s,
        0, 0, 0, 0, %(prompt)s, %(completion)s, %(unreported)s, COALESCE(%(cost)s::numeric, 0), %(unpriced)s,
        NULL, NULL, 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A request to a model outside of a turn.

    Attributes:
        payer: the caller and App whose limits count it.
        model: the model's name.
        most_tokens, most_cost: the maximum that it may use; the cost is None if the model has no price.
    """

    payer: Payer
    kind: Kind
    model: str
    most_tokens: int
    most_cost: Decimal | None

    async def begin(self) -> str | None:
        """Count the maximum that it may use; return the subjects that count it, for `end`.

        Raises:
            LimitExceeded: a limit refuses it; nothing was counted.
        """
        parameters = {"tokens": self.most_tokens, "cost": self.most_cost, "admission": admission_of(self.payer)}
        with applied(self.payer):
            rows = await database.execute(BEGIN, {**self._payer(), **parameters})
        return None if rows[0][0] is None else orjson.dumps(rows[0][0]).decode()

    async def end(
        self, subjects: str | None, *, prompt: int, completion: int, unreported: int, cost: Decimal | None
    ) -> None:
        """Replace the counted maximum with what it has used.

        Args:
            subjects: what `begin` returned.
            prompt: tokens of the prompt, by the provider's count.
            completion: the same for the answer.
            unreported: tokens to count because the provider sent no counts.
            cost: of the counted tokens; None without a price.
        """
        counted = prompt + completion
        most = self.most_cost or Decimal(0)
        money = most * unreported / max(1, self.most_tokens) + (cost or 0)
        await database.execute(
            END,
            {
                **self._payer(),
                "subjects": subjects,
                "tokens": counted + unreported - self.most_tokens,
                "money": money - most,
                "model": self.model,
                "kind": self.kind,
                "prompt": prompt,
                "completion": completion,
                "unreported": unreported,
                "cost": cost,
                "unpriced": counted if cost is None else 0,
            },
        )

    def _payer(self) -> dict[str, object]:
        return {"app": self.payer.app_id, "key": self.payer.key_id}
