"""Foreign documents are parsed in a child that may burn."""

import asyncio
import os
import signal
import time
from datetime import timedelta

import pytest

from digest.errors import ParseError
from digest.fetch.sandbox import Sandbox


def spin() -> None:
    while True:
        pass


def refuse() -> None:
    raise ParseError("not a listing", source="s", permanent=True)


def recurse(depth: int) -> int:
    return recurse(depth + 1)


async def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_value_comes_back(sandbox):
    assert await sandbox.run(sorted, [2, 3, 1], reverse=True) == [3, 2, 1]


async def test_child_lives_on_between_calls(sandbox):
    assert await sandbox.run(os.getpid) == await sandbox.run(os.getpid)


async def test_calls_at_once_share_as_many_children_as_are_allowed():
    async with Sandbox(processes=2) as sandbox:
        calls = [sandbox.run(os.getpid) for _ in range(20)]

        assert len(set(await asyncio.gather(*calls))) == 2


async def test_a_document_that_burns_holds_up_no_other():
    async with Sandbox(processes=2, time_limit=timedelta(seconds=3)) as sandbox:
        burning = asyncio.create_task(sandbox.run(time.sleep, 60))

        assert await sandbox.run(len, "next") == 4
        assert not burning.done()

        with pytest.raises(ParseError, match="over 3 s to read"):
            await burning


async def test_refusal_of_the_parser_comes_back_whole(sandbox):
    with pytest.raises(ParseError) as caught:
        await sandbox.run(refuse)

    assert (str(caught.value), caught.value.permanent) == ("parse s: not a listing", True)


async def test_unexpected_failure_is_a_parse_error_that_names_its_kind(sandbox):
    with pytest.raises(ParseError, match="reader failed with ZeroDivisionError"):
        await sandbox.run(divmod, 1, 0)


async def test_endless_recursion_is_a_parse_error(sandbox):
    with pytest.raises(ParseError, match="nested too deep"):
        await sandbox.run(recurse, 0)


async def test_too_much_processor_time_ends_the_child_and_not_the_program():
    async with Sandbox(cpu_limit=timedelta(seconds=1), time_limit=timedelta(minutes=1)) as sandbox:
        with pytest.raises(ParseError, match="over 1 s of processor time"):
            await sandbox.run(spin)

        assert await sandbox.run(len, "next") == 4


async def test_processor_time_counts_for_each_call_alone():
    async with Sandbox(cpu_limit=timedelta(seconds=1), time_limit=timedelta(minutes=1)) as sandbox:
        for _ in range(3):
            await sandbox.run(sum, range(15_000_000))


async def test_waiting_too_long_ends_the_child():
    async with Sandbox(time_limit=timedelta(seconds=1)) as sandbox:
        first = await sandbox.run(os.getpid)

        with pytest.raises(ParseError, match="over 1 s to read"):
            await sandbox.run(time.sleep, 60)

        assert await is_gone(first)
        assert await sandbox.run(os.getpid) != first


async def test_too_much_memory_is_a_parse_error():
    async with Sandbox(memory_limit_bytes=64 * 1024 * 1024) as sandbox:
        with pytest.raises(ParseError, match="too much memory"):
            await sandbox.run(bytes, 256 * 1024 * 1024)

        assert await sandbox.run(len, "next") == 4


async def test_child_that_dies_is_replaced(sandbox):
    with pytest.raises(ParseError, match=r"ended the process that read it \(code -11\)"):
        await sandbox.run(signal.raise_signal, signal.SIGSEGV)

    assert await sandbox.run(len, "next") == 4


async def test_cancelled_call_leaves_no_answer_for_the_next(sandbox):
    await sandbox.run(len, "warm")
    call = asyncio.create_task(sandbox.run(time.sleep, 60))
    await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert await sandbox.run(len, "next") == 4


async def test_no_child_is_left_behind():
    async with Sandbox() as sandbox:
        pid = await sandbox.run(os.getpid)

    assert await is_gone(pid)


async def test_child_does_not_see_our_environment(sandbox, monkeypatch):
    monkeypatch.setenv("DIGEST_SMTP__PASSWORD", "secret")

    assert await sandbox.run(os.getenv, "DIGEST_SMTP__PASSWORD") is None


async def test_what_a_parser_prints_does_not_disturb(sandbox):
    await sandbox.run(print, "noise")

    assert await sandbox.run(len, "next") == 4


async def test_large_documents_pass_both_ways(sandbox):
    content = bytes(20 * 1024 * 1024)

    assert await sandbox.run(bytes, content) == content


async def test_calls_at_once_each_get_their_own_answer(sandbox):
    answers = await asyncio.gather(*(sandbox.run(int, str(n)) for n in range(20)))

    assert answers == list(range(20))
