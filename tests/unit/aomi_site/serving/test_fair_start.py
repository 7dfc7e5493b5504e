"""When calls start: one per turn of the loop, address by address, and who is known to hold a valid key."""

import asyncio

from aomi_site.serving import fair_start
from aomi_site.serving.fair_start import FairStart, KnownHolders


async def started_in_order(addresses: list[str]) -> list[tuple[int, str]]:
    """Return the turn of the loop in which each call started, and its address, in the order of their starts."""
    starts, gate, turn, is_over = list[tuple[int, str]](), FairStart(), 0, False

    def count_turns() -> None:
        nonlocal turn
        turn += 1
        if not is_over:
            asyncio.get_running_loop().call_soon(count_turns)

    async def call(address: str) -> None:
        await gate.turn(address)
        starts.append((turn, address))

    count_turns()
    await asyncio.gather(*(call(address) for address in addresses))
    is_over = True
    return starts


def test_one_call_starts_per_turn_and_addresses_take_turns() -> None:
    starts = asyncio.run(started_in_order(["flood"] * 50 + ["a", "b"]))
    turns = [turn for turn, _ in starts]
    assert len(set(turns)) == len(turns) == 52
    assert {"a", "b"} <= {address for _, address in starts[:5]}  # it does not wait for the 50


def test_a_call_that_was_cancelled_takes_no_turn_and_stops_no_other() -> None:
    async def run() -> list[str]:
        gate, started = FairStart(), list[str]()

        async def call(address: str) -> None:
            await gate.turn(address)
            started.append(address)

        tasks = [asyncio.create_task(call(address)) for address in ("first", "cancelled", "last")]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await gate.turn("afterwards")
        return started

    assert asyncio.run(run()) == ["first", "last"]


def test_holders_are_known_until_their_key_fails_and_the_oldest_is_forgotten() -> None:
    holders = KnownHolders()
    holders.note(b"a key", is_holder=True)
    assert holders.knows(b"a key")
    assert not holders.knows(b"another")
    holders.note(b"a key", is_holder=False)
    assert not holders.knows(b"a key")
    for number in range(fair_start.HOLDERS_MAX + 1):
        holders.note(b"%d" % number, is_holder=True)
    assert [holders.knows(b"%d" % number) for number in (0, 1, fair_start.HOLDERS_MAX)] == [False, True, True]
