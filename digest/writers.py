"""Processes beside ours that write messages, so that a run uses more than one core.

They only read the database: claims, sending and records stay with the one process that owns
them.  One that dies takes nothing with it but what it was writing.
"""

import asyncio
import contextlib
import fcntl
import gc
import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import IO, Any

from digest.compose.message import MessageBuilder
from digest.config import Settings, web_keys
from digest.errors import DigestError, StoreError
from digest.links import Links
from digest.model import Delivery, Message
from digest.pipeline.writing import Desk
from digest.render import Templates
from digest.store.database import Database
from digest.transports import leaving_of

# -I: nothing that stands in the working folder is imported.
START = [
    sys.executable,
    "-I",
    "-c",
    "import sys; sys.path[:] = sys.argv[1:]; from digest.writers import serve; serve()",
]
FRAME = struct.Struct("!Q")
# Messages of some 34 kB that travel together.
FRAME_MESSAGES = 16
# Such a frame and more: the writer goes on while we read.
PIPE_BYTES = 1024 * 1024


def builder_of(settings: Settings) -> MessageBuilder:
    """Make what writes the messages of an installation.

    Raises:
        ConfigError: a key cannot be read, or the subject pattern is none.
    """
    web = settings.web
    links = Links(web.base_url, web_keys(web)) if web.base_url else None
    templates = Templates(settings.mail.templates)
    return MessageBuilder(settings.mail, templates, links, leaving_of(settings))


def collect_rarely() -> None:
    """Let Python look for cycles a hundred times less often.

    A run keeps what its mails share and drops the rest by reference count; looking through
    all of it for cycles, of which there are few, took a third of its time.
    """
    gc.set_threshold(70_000, 20, 20)


class Writers:
    """So many processes, each started when it is first wanted; close them in the end.

    Args:
        settings: with the database that they read.
    """

    def __init__(self, settings: Settings) -> None:
        self._writers = [_Writer(settings) for _ in range(settings.deliver.writers)]

    async def write(self, batch: Sequence[Delivery]) -> list[Message]:
        """Write the messages of a batch; left out is what `Desk.write` leaves out.

        Raises:
            DigestError: as in the process that failed; or StoreError, if it died.  The next
                call starts another.
        """
        size = -(-len(batch) // len(self._writers)) or 1
        shares = [batch[at : at + size] for at in range(0, len(batch), size)]
        pairs = zip(self._writers, shares, strict=False)
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(
            *(loop.run_in_executor(writer.thread, writer.write, share) for writer, share in pairs),
            return_exceptions=True,
        )
        written: list[Message] = []
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
            written += answer
        return written

    def close(self) -> None:
        """End the processes; none may be writing."""
        for writer in self._writers:
            writer.close()


class _Writer:
    """One process, and the one thread that waits for it.

    A thread of its own: what changing ones allocate lies in as many arenas, a fifth more memory.
    """

    def __init__(self, settings: Settings) -> None:
        self.thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    def write(self, share: Sequence[Delivery]) -> list[Message]:
        process = self._process or self._begin()
        jobs, answers = process.stdin, process.stdout
        assert jobs and answers  # noqa: S101, PT018 pipes were asked for
        written: list[Message] = []
        try:
            _put(jobs, share)
            while found := _get(answers):
                if isinstance(found, DigestError):
                    raise found
                written += found
        except (EOFError, OSError) as error:
            self.close()
            raise StoreError(
                f"writer: process ended (code {process.returncode}), another takes over",
                permanent=False,
            ) from error
        return written

    def close(self) -> None:
        if process := self._process:
            self._process = None
            with contextlib.suppress(OSError):
                process.communicate()

    def _begin(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(  # noqa: S603 - ourselves
            [*START, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # Ctrl-C is the parent's business; the child ends when its input does.
            start_new_session=True,
        )
        assert self._process.stdin and self._process.stdout  # noqa: S101, PT018 as above
        # Only Linux has it, and an unprivileged user may be refused.
        with contextlib.suppress(AttributeError, OSError):
            fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        _put(self._process.stdin, self._settings)
        return self._process


def serve() -> None:
    """Be the child: write what comes in until nothing comes any more."""
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    # Whatever else is printed in this process must not get between the frames.
    os.dup2(2, 1)
    collect_rarely()
    with contextlib.suppress(EOFError, BrokenPipeError):
        settings = _get(jobs)
        desk: Desk | None = None
        while True:
            share = _get(jobs)
            try:
                desk = desk or Desk(Database(settings.database.url), builder_of(settings))
                for messages in _frames(desk.write(desk.load(share))):
                    _put(answers, messages)
                _put(answers, [])
            except DigestError as error:
                _put(answers, error)


def _frames(messages: Iterator[Message]) -> Iterator[list[Message]]:
    while frame := list(islice(messages, FRAME_MESSAGES)):
        yield frame


def _put(pipe: IO[bytes], value: object) -> None:
    content = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    pipe.write(FRAME.pack(len(content)))
    pipe.write(content)
    pipe.flush()


def _get(pipe: IO[bytes]) -> Any:  # noqa: ANN401 - whatever the other side put in
    (length,) = FRAME.unpack(_exactly(pipe, FRAME.size))
    return pickle.loads(_exactly(pipe, length))  # noqa: S301 our own process's frame


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    content = pipe.read(size)
    if len(content) < size:
        raise EOFError
    return content
