"""A real SMTP server for the tests that misbehaves as told, and counts what it got."""

import asyncio
import base64
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

ALL_EXTENSIONS = ("PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
# What a server offers that wants each command answered before the next is said.
LOCKSTEP = tuple(one for one in ALL_EXTENSIONS if one != "PIPELINING")

DROP = object()  # close the connection instead of answering
TAKE_AND_DROP = object()  # take the message, then close without a word
SILENCE = object()  # answer nothing, stay connected
DRIP = object()  # answer a byte at a time, for ever
# Faults that only a time-out ends, and the one to set: short for these alone, for a machine
# under load may be late with a good answer as well.
TIMEOUTS = {SILENCE: 0.25, DRIP: 0.25}
STALL = object()  # agree to DATA, then read nothing more
NO_HANDSHAKE = object()  # agree to STARTTLS, then speak something else


class Received(NamedTuple):
    mail: str
    rcpt: str
    content: bytes


@dataclass
class Fault:
    """Something to do instead of the plain answer.

    Attributes:
        at: the command (MAIL, RCPT, ...), "connect", or "body" for the final dot.
        act: one of the objects above, a reply (str), or raw bytes to write.
        times: how often; None = always.
        about: only if the command line contains this.
    """

    at: str
    act: object
    times: int | None = 1
    about: str = ""


@dataclass
class FaultySmtp:
    """Takes mail on a free port of loopback.

    Attributes:
        tls: certificate to show; `implicit_tls` from the first byte, else after STARTTLS.
        chance: asked at every step that no fault is for; gives an act or None.
        is_silent, is_left: SILENCE began; the client has left it.
        violations: what the client did against the rules.
        ahead: messages with whose end more was said.
        login: (user name, password) that AUTH PLAIN takes; None = no AUTH.
    """

    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    extensions: tuple[str, ...] = ALL_EXTENSIONS
    login: tuple[str, str] | None = None
    received: list[Received] = field(default_factory=list)
    commands: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    violations: list[str] = field(default_factory=list)
    ahead: int = 0
    port: int = 0
    is_silent: asyncio.Event = field(default_factory=asyncio.Event)
    is_left: asyncio.Event = field(default_factory=asyncio.Event)
    faults: list[Fault] = field(default_factory=list)
    chance: Callable[[str], object] = lambda at: None

    def fault(self, at: str, act: object, *, times: int | None = 1, about: str = "") -> None:
        self.faults.append(Fault(at, act, times, about))

    @property
    def recipients(self) -> list[str]:
        return [one.rcpt for one in self.received]

    async def is_deserted(self) -> None:
        """Wait until no connection is left."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def __aenter__(self) -> "FaultySmtp":
        self._tasks: set[asyncio.Task] = set()
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.tls if self.implicit_tls else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(_Session(self, reader, writer).run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _LeftError(Exception):
    pass


class _Session:
    def __init__(self, server, reader, writer) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.encrypted = server.implicit_tls
        self.mail = self.rcpt = None

    async def run(self) -> None:
        self.server.connections += 1
        try:
            await self._answer("connect", "", "220 faulty.test ESMTP")
            while line := await self.reader.readline():
                await self._command(line)
        except (_LeftError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            self.writer.transport.abort()

    async def _command(self, line: bytes) -> None:
        if not line.endswith(b"\r\n"):
            self.server.violations.append(f"bare line end: {line!r}")
            raise _LeftError
        text = line[:-2].decode()
        verb = text.split(" ")[0].upper()
        self.server.commands[verb] += 1
        if "PIPELINING" not in self.server.extensions and self.reader._buffer:
            self.server.violations.append(f"spoken ahead after {verb}")
        step = getattr(self, f"_on_{verb.lower()}", None)
        if step is None:
            await self._answer(verb, text, "502 5.5.1 not known")
        else:
            await step(text)

    async def _on_ehlo(self, text: str) -> None:
        offered = list(self.server.extensions)
        if self.server.tls is not None and not self.encrypted:
            offered.append("STARTTLS")
        if self.server.login is not None:
            offered.append("AUTH PLAIN")
        lines = ["faulty.test", *offered]
        reply = "\r\n".join([*(f"250-{one}" for one in lines[:-1]), f"250 {lines[-1]}"])
        await self._answer("EHLO", text, reply)

    async def _on_lhlo(self, text: str) -> None:
        await self._on_ehlo(text)

    async def _on_starttls(self, text: str) -> None:
        if await self._answer("STARTTLS", text, "220 2.0.0 go ahead"):
            await self.writer.start_tls(self.server.tls)
            self.encrypted = True

    async def _on_auth(self, text: str) -> None:
        name, password = self.server.login
        wanted = (
            f"user={name}\1auth=Bearer {password}\1\1"
            if text.split(" ")[1] == "XOAUTH2"
            else f"\0{name}\0{password}"
        )
        is_right = base64.b64decode(text.split(" ")[2]).decode() == wanted
        await self._answer(
            "AUTH", text, "235 2.7.0 welcome" if is_right else "535 5.7.8 bad credentials"
        )

    async def _on_mail(self, text: str) -> None:
        if self.mail is not None:
            await self._answer("MAIL", text, "503 5.5.1 nested MAIL")
        elif await self._answer("MAIL", text, "250 2.1.0 ok"):
            self.mail = text[len("MAIL FROM:") :]

    async def _on_rcpt(self, text: str) -> None:
        if self.mail is None:
            await self._answer("RCPT", text, "503 5.5.1 MAIL first")
        elif await self._answer("RCPT", text, "250 2.1.5 ok"):
            self.rcpt = text[len("RCPT TO:<") : -1]

    async def _on_data(self, text: str) -> None:
        usual = "354 go on" if self.rcpt else "503 5.5.1 no valid recipients"
        if not await self._answer("DATA", text, usual):
            return
        stuffed = bytearray(b"\r\n")
        while not stuffed.endswith(b"\r\n.\r\n"):
            stuffed += await self.reader.readuntil(b"\r\n")
        self.server.ahead += bool(self.reader._buffer)
        mail, rcpt, self.mail, self.rcpt = self.mail, self.rcpt, None, None
        content = bytes(stuffed[2:-3]).replace(b"\r\n.", b"\r\n").removeprefix(b".")
        if rcpt is None:
            await self._answer("body", text, "554 5.5.1 no valid recipients")
        elif await self._answer("body", f"{rcpt}", "250 2.0.0 queued", taken=(mail, rcpt, content)):
            self.server.received.append(Received(mail, rcpt, content))

    async def _on_rset(self, text: str) -> None:
        self.mail = self.rcpt = None
        await self._answer("RSET", text, "250 2.0.0 ok")

    async def _on_noop(self, text: str) -> None:
        await self._answer("NOOP", text, "250 2.0.0 ok")

    async def _on_quit(self, text: str) -> None:
        await self._answer("QUIT", text, "221 2.0.0 bye")
        raise _LeftError

    async def _answer(self, at: str, text: str, usual: str, taken=None) -> bool:
        """Answer as usual or as told; True if the step succeeded."""
        act = self._told(at, text)
        if act is None:
            act = usual
        if act is TAKE_AND_DROP:
            self.server.received.append(Received(*taken))
            raise _LeftError
        if act is DROP:
            raise _LeftError
        if act is SILENCE:
            self.server.is_silent.set()
            await self.reader.read()
            self.server.is_left.set()
            raise _LeftError
        if act is STALL:
            self.writer.write(b"354 go on\r\n")
            self.writer.transport.pause_reading()
            await asyncio.Event().wait()
        if act is NO_HANDSHAKE:
            self.writer.write(b"220 go ahead\r\n")
            await self.reader.read(1)
            act = b"what is this?\r\n"
        if act is DRIP:
            while True:
                self.writer.write(b"2")
                await self.writer.drain()
                await asyncio.sleep(0.002)
        self.writer.write(act if isinstance(act, bytes) else act.encode() + b"\r\n")
        await self.writer.drain()
        if str(act).startswith("421"):
            raise _LeftError
        return isinstance(act, str) and act[0] in "23"

    def _told(self, at: str, text: str) -> object:
        for fault in self.server.faults:
            if fault.at == at and fault.about in text and fault.times != 0:
                if fault.times is not None:
                    fault.times -= 1
                return fault.act
        return self.server.chance(at)
