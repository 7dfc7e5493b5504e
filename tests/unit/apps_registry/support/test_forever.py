"""Endless loops of a worker."""

import ast
import asyncio
from collections.abc import Awaitable, Callable

import pytest

from apps_registry.support.forever import failing_loops, forever
from apps_registry.support.metrics import LOOP_FAILURES
from tests.root import ROOT

APPS = ("aomi_site", "apps_registry", "chat", "keys", "sessions_app")


def run(step: Callable[[], Awaitable[object]], *, rounds: int) -> None:
    """Run a loop for some rounds, then cancel it."""

    async def main() -> None:
        done = asyncio.Event()
        began = 0

        async def counted() -> object:
            nonlocal began
            began += 1
            if began == rounds:
                done.set()
            return await step()

        task = asyncio.create_task(forever("of-the-test", counted, every=0.001))
        await asyncio.wait_for(done.wait(), 30)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), MemoryError(), asyncio.CancelledError()])
def test_a_loop_survives_whatever_a_round_raises(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise error

    counter = LOOP_FAILURES.labels("of-the-test")
    before = counter._value.get()
    run(fail, rounds=4)
    assert counter._value.get() >= before + 3
    assert "of-the-test" in failing_loops()
    assert "of-the-test failed and continues" in caplog.text
    assert "secret" not in caplog.text


def test_every_endless_loop_uses_the_helper() -> None:
    """An endless loop that sleeps is a background loop, which must run in `forever`."""
    loops = []
    for path in (path for app in APPS for path in (ROOT / app).rglob("*.py") if "management" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.While) and "asyncio.sleep(" in ast.unparse(node):
                loops.append(f"{path.relative_to(ROOT)}: while {ast.unparse(node.test)}")
    # The loops of a turn that is stored and of a call that waits end with these.
    bounded = {
        *("chat/turns/running/saving.py: while session is not None", "chat/api/streams/waiting.py: while True"),
        "chat/doors/openai/responses/pieces.py: while True",  # ends at a deadline
    }
    assert set(loops) - bounded == {"apps_registry/support/forever.py: while goes_on()"}
