"""How much the broker handles at once: turns, waiting, and what is refused."""

from __future__ import annotations

import asyncio
import random

import grpc
import pytest
from rig import PATIENCE, Client

from kraken_hooks.errors import Overloaded
from kraken_hooks.message import Response
from kraken_hooks.server.room import AT_WORK, Room, share_of_memory
from kraken_hooks.server.service import Server


def within(scenario) -> None:
    asyncio.run(asyncio.wait_for(scenario, PATIENCE))


def test_what_fits_has_its_turn_at_once_and_the_rest_in_the_order_in_which_it_came():
    async def scenario():
        room, turns = Room(100, 1_000), []

        async def call(name: str, size: int) -> None:
            await room.enter(size)
            turns.append(name)

        calls = [asyncio.create_task(call(*one)) for one in [("a", 60), ("b", 40), ("c", 90), ("d", 10), ("e", 5)]]
        await asyncio.sleep(0)
        assert turns == ["a", "b"]
        room.leave(40)
        await asyncio.sleep(0)
        assert turns == ["a", "b"], "a small one does not overtake"
        room.leave(60)
        await asyncio.sleep(0)
        assert turns == ["a", "b", "c", "d"]
        room.leave(90)
        await asyncio.gather(*calls)
        assert turns == ["a", "b", "c", "d", "e"]

    within(scenario())


def test_one_message_may_always_be_handled():
    async def scenario():
        room = Room(100, 1_000)
        await room.enter(5_000)
        room.leave(5_000)
        await room.enter(5_000)

    within(scenario())


def test_beyond_the_bound_nothing_waits():
    async def scenario():
        room = Room(100, 250)
        await room.enter(100)
        waits = asyncio.create_task(room.enter(100))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await room.enter(51)
        room.leave(100)
        await waits
        later = asyncio.create_task(room.enter(100))
        await asyncio.sleep(0)
        room.leave(100)
        await later

    within(scenario())


def test_calls_that_are_given_up_at_any_moment_take_no_room():
    async def scenario():
        chance = random.Random(7)
        room, at_work, most = Room(100, 10_000), [0], [0]

        async def call(size: int) -> None:
            await room.enter(size)
            at_work[0] += size
            most[0] = max(most[0], at_work[0])
            try:
                for _ in range(chance.randrange(4)):
                    await asyncio.sleep(0)
            finally:
                at_work[0] -= size
                room.leave(size)

        calls = []
        for _ in range(2_000):
            calls.append(asyncio.create_task(call(chance.randrange(1, 60))))
            if chance.random() < 0.3:
                chance.choice(calls[-20:]).cancel()
            if chance.random() < 0.3:
                await asyncio.sleep(0)
        await asyncio.gather(*calls, return_exceptions=True)
        assert 60 <= most[0] <= 100
        await room.enter(100)
        waits = asyncio.create_task(room.enter(9_900))
        await asyncio.sleep(0)
        waits.cancel()

    within(scenario())


def test_a_call_that_is_given_up_in_the_moment_of_its_turn_hands_it_on():
    async def scenario():
        room = Room(100, 1_000)
        await room.enter(100)
        first, second = (asyncio.create_task(room.enter(100)) for _ in range(2))
        await asyncio.sleep(0)
        room.leave(100)
        first.cancel()
        await second
        assert first.cancelled()

    within(scenario())


class Slow:
    """A broker that answers when the test says so."""

    def __init__(self) -> None:
        self.handled: list[bytes] = []
        self.go_on = asyncio.Event()

    async def handle(self, kind: str, collector: str, content_type: str, metadata: str, payload: bytes) -> Response:
        self.handled.append(payload[:1])
        await self.go_on.wait()
        return Response(collector, "", "{}", payload[:1])


def test_calls_wait_for_their_turn_and_too_many_are_told_to_come_again():
    async def scenario():
        broker = Slow()
        server = Server(broker, Room(1_000, 3_500))
        port = await server.start("127.0.0.1:0")
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                process = channel.unary_unary("/kraken.KrakenService/ProcessKrakenRequest")
                requests = [Client.request("c", bytes([name]) * 900, "", "{}") for name in b"abcd"]
                calls = [asyncio.ensure_future(process(request)) for request in requests]
                [refused], others = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
                error = refused.exception()
                assert isinstance(error, grpc.aio.AioRpcError)
                assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
                assert ("grpc-retry-pushback-ms", "1000") in list(error.trailing_metadata())
                assert len(broker.handled) == 1
                broker.go_on.set()
                await asyncio.gather(*others)
                assert len(broker.handled) == 3
        finally:
            await server.stop(0)

    within(scenario())


def test_there_is_room_for_a_few_of_the_largest_messages_on_the_smallest_machine():
    assert share_of_memory() >= 2 * AT_WORK
