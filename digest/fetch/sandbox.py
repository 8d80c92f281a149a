"""Child processes in which foreign documents are parsed: they may burn, the program does not.

A byte limit bounds no parser: one megabyte of attributes keeps feedparser busy for more than
20 s.  A child lives on between documents, so that a call costs a fraction of a millisecond;
after a breach it is killed and the next call starts another.
"""

import asyncio
import contextlib
import logging
import os
import pickle
import resource
import signal
import struct
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, ParamSpec, Self, TypeVar

from digest.errors import ParseError

P = ParamSpec("P")
T = TypeVar("T")

# A feed of 2,000 items and 3 MB takes 1.6 s here.
CPU_LIMIT = timedelta(seconds=6)
# Longer than the processor time, for a machine with other work.
TIME_LIMIT = timedelta(seconds=9)
# Address space over what the child holds when it is ready.
MEMORY_LIMIT_BYTES = 256 * 1024 * 1024
# Each child holds some 60 MB; more of them than this read no faster than the network brings.
MAX_PROCESSES = 4

# -I: the child sees neither our environment (passwords stand there) nor its working folder.
START = [
    sys.executable,
    "-I",
    "-c",
    "import sys; sys.path[:] = sys.argv[1:]; from digest.fetch.sandbox import serve; serve()",
]
FRAME = struct.Struct("!Q")

logger = logging.getLogger(__name__)


class Sandbox:
    """Runs pure functions in children; open it with `async with`.

    A child is started when all others are busy, up to *processes* of them.

    Args:
        processes: children at most, each with the limits below; one a processor where None.
        cpu_limit: processor time of one call, whole seconds.
        time_limit: time of one call by the clock on the wall.
        memory_limit_bytes: what one call may take.
    """

    def __init__(
        self,
        *,
        processes: int | None = None,
        cpu_limit: timedelta = CPU_LIMIT,
        time_limit: timedelta = TIME_LIMIT,
        memory_limit_bytes: int = MEMORY_LIMIT_BYTES,
    ) -> None:
        self._limits = (int(cpu_limit.total_seconds()), memory_limit_bytes)
        self._time_limit = time_limit
        self._turns = asyncio.Semaphore(processes or min(os.cpu_count() or 1, MAX_PROCESSES))
        # The one that worked last is taken first: few documents keep one child busy.
        self._idle: list[_Child] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        while self._idle:
            await self._idle.pop().end()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function of a module in a child and give what it returns.

        Raises:
            ParseError: it took too much time or memory, ended the process or failed
                unexpectedly; or the one that the function raised itself.
        """
        async with self._turns:
            # A document waits for its turn as it is, and is copied when its turn has come.
            job = pickle.dumps((self._limits, function, args, kwargs))
            child = self._idle.pop() if self._idle else _Child()
            try:
                async with asyncio.timeout(self._time_limit.total_seconds()):
                    answer = await child.answer(job)
            except TimeoutError as error:
                await child.end()
                limit = self._time_limit.total_seconds()
                raise ParseError(f"document took over {limit:g} s to read: refused") from error
            except (asyncio.IncompleteReadError, ConnectionError) as error:
                code = await child.end(kill=False)
                raise ParseError(self._why_it_ended(code)) from error
            except asyncio.CancelledError:
                # The answer to a cancelled call must never be taken for the next one's.
                await child.end()
                raise
            self._idle.append(child)
        refusal, value = pickle.loads(answer)  # noqa: S301 our own child's frame
        if refusal is not None:
            raise refusal
        result: T = value
        return result

    def _why_it_ended(self, returncode: int | None) -> str:
        if returncode == -signal.SIGXCPU:
            return f"document took over {self._limits[0]} s of processor time to read: refused"
        return f"document ended the process that read it (code {returncode}): refused"


class _Child:
    """One process, started when it is first asked."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def answer(self, job: bytes) -> bytes:
        process = self._process or await self._start()
        assert process.stdin and process.stdout  # noqa: S101, PT018 pipes were asked for
        process.stdin.write(FRAME.pack(len(job)) + job)
        await process.stdin.drain()
        (length,) = FRAME.unpack(await process.stdout.readexactly(FRAME.size))
        return await process.stdout.readexactly(length)

    async def _start(self) -> asyncio.subprocess.Process:
        self._process = await asyncio.create_subprocess_exec(
            *START,
            *sys.path,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={},
            # Ctrl-C is the parent's business; the child ends when its input does.
            start_new_session=True,
        )
        return self._process

    async def end(self, *, kill: bool = True) -> int | None:
        """Wait for the process's end, if there is one, and say how it ended.

        Args:
            kill: False where it has ended by itself; a signal would then hide its exit code.
        """
        if (process := self._process) is None:
            return None
        self._process = None
        if kill:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.communicate()
        return process.returncode


def serve() -> None:
    """Be the child: answer frames on standard input until it closes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever else is printed in this process must not get between the frames.
    os.dup2(2, 1)
    while header := jobs.read(FRAME.size):
        (length,) = FRAME.unpack(header)
        _write(answers, _answer(jobs.read(length)))


def _answer(job: bytes) -> tuple[BaseException | None, Any]:
    limits, function, args, kwargs = pickle.loads(job)  # noqa: S301 our own parent's frame
    _limit(*limits)
    try:
        return None, function(*args, **kwargs)
    except ParseError as error:
        return error, None
    except (MemoryError, RecursionError):
        return ParseError("document takes too much memory or is nested too deep: refused"), None
    except Exception as error:  # the outermost loop of this process
        logger.exception("parser failed: function=%s", function.__qualname__)
        kind = type(error).__name__
        return ParseError(f"reader failed with {kind}: please report this document"), None


def _write(answers: IO[bytes], answer: tuple[BaseException | None, Any]) -> None:
    content = pickle.dumps(answer)
    answers.write(FRAME.pack(len(content)) + content)
    answers.flush()


def _limit(cpu_seconds: int, memory_bytes: int) -> None:
    """Bound what the process may take from here on."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent_seconds = int(usage.ru_utime + usage.ru_stime) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (spent_seconds + cpu_seconds, resource.RLIM_INFINITY))
    # Systems without this limit leave the document to the clock.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(
            resource.RLIMIT_AS, (_address_space_bytes() + memory_bytes, resource.RLIM_INFINITY)
        )


@cache
def _address_space_bytes() -> int:
    """Say how much the process held when its first job had loaded the parsers."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
