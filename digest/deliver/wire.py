"""The transfer step on an open SMTP connection: one message's MAIL, RCPT, DATA and body.

Takes over a connection that greets, encrypts and logs in no more.  It knows bytes and replies
only; how the connection came about is smtp.py's.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from digest.deliver.envelope import Envelope, Stage
from digest.deliver.replies import Answer, Replies, WireError, cleaned

START_INPUT = 354


class Transfer(NamedTuple):
    """How the transfer of one message ended.

    Attributes:
        code: the deciding answer's; 0 = the connection broke or spoke nonsense.
        uncertain: the whole message was handed over but no answer came back.
    """

    stage: Stage
    code: int
    text: str
    uncertain: bool = False


class Wire(asyncio.Protocol):
    """An open connection between two messages, or in the middle of one.

    Args:
        transport: connected, encrypted and logged in as wanted; nothing asked is unanswered.
        pipelining: the server lets commands be sent in a group (RFC 2920).
        timeout: seconds that the answer to each command may take.
        last_timeout: seconds that the answer after the final dot may take.
    """

    def __init__(
        self,
        transport: asyncio.Transport,
        *,
        pipelining: bool,
        timeout: float,
        last_timeout: float,
    ) -> None:
        self.transferred = 0
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._transport = transport
        self._pipelining = pipelining
        self._timeout = timeout
        self._last_timeout = last_timeout
        self._replies = Replies()
        self._answers: list[Answer] = []
        self._owed = 0
        self._wanted = 0
        self._enough: asyncio.Future[None] | None = None
        self._body: Sequence[bytes] | None = None
        self._following: Envelope | None = None
        self._is_ahead = False
        self._timer: asyncio.TimerHandle | None = None
        self._within = 0.0
        self._answer_by = 0.0
        self._fault: str | None = None
        self._paused = False
        self._in_transfer = False
        transport.set_protocol(self)

    @property
    def is_usable(self) -> bool:
        """True between two messages, as long as the server neither left nor spoke unasked."""
        is_here = self._fault is None and not self._transport.is_closing()
        return is_here and not (self._in_transfer or self._is_ahead)

    @property
    def is_ahead(self) -> bool:
        """True between two messages, where the server was told of the next one already."""
        return self._is_ahead and self._fault is None and not self._in_transfer

    @property
    def tls_version(self) -> str | None:
        """The encryption in use ("TLSv1.3"); None where there is none."""
        ssl_object = self._transport.get_extra_info("ssl_object")
        return ssl_object.version() if ssl_object else None

    async def transfer(self, envelope: Envelope, following: Envelope | None = None) -> Transfer:
        """Hand one message over; never raises for what the other side does.

        Afterwards the connection takes the next message; or only the *following* one, given only
        where pipelining, whose commands went with the end of this one, where `is_ahead`; or none,
        where not `is_usable`.

        Source: RFC 2920 section 3.1: a message's content may begin a group of commands.
        """
        self._in_transfer = True
        self.transferred += 1
        self._following = following
        answers = await self._open(envelope)
        refusal = self._refusal(answers[:3])
        ended = refusal or self._ending(answers[3:])
        if ended.code == 0 or (refusal and not await self._is_reset(answers)):
            self.abort()
        self._in_transfer = False
        return ended

    async def ask(self, command: bytes) -> Answer | None:
        """Send one command and give its answer, None if none came; used by checks."""
        answers = await self._exchange(command, 1, self._timeout)
        return answers[0] if answers else None

    def quit(self, *, within: float) -> None:
        """Take leave without waiting; `closed` is set once the server answered or time is up."""
        if self._transport.is_closing():
            return
        self._fault = self._fault or "we took leave"
        self._transport.write(b"QUIT\r\n")
        timer = asyncio.get_running_loop().call_later(within, self.abort)
        self.closed.add_done_callback(lambda _: timer.cancel())

    def abort(self) -> None:
        """Drop the connection at once."""
        self._break("we dropped the connection")

    # --- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        if self._fault is not None:
            self._transport.close()  # the answer to QUIT, or whatever a broken server adds
            return
        try:
            for answer in self._replies.feed(data):
                self._take(answer)
        except WireError as error:
            self._break(f"{error}")
        self._go_on()

    def eof_received(self) -> None:
        self._break("the server closed the connection")

    def connection_lost(self, exc: Exception | None) -> None:
        self._break(f"connection lost{f': {exc}' if exc else ''}")
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False

    # --- one message

    async def _open(self, envelope: Envelope) -> list[Answer]:
        """Say what a message needs; the body follows by itself once it is asked for.

        Returns:
            the answers to MAIL, RCPT, DATA and the body, as far as they came.
        """
        if self._pipelining:
            said = b"" if self._is_ahead else b"".join(envelope.commands)
            self._is_ahead = False
            return await self._exchange(said, 3, 3 * self._timeout, body=envelope.body)
        answers: list[Answer] = []
        for command, body in zip(envelope.commands, (None, None, envelope.body), strict=True):
            answers += await self._exchange(command, 1, self._timeout, body=body)
            if not answers or answers[-1].code >= 300 or self._fault is not None:
                break
        return answers

    def _refusal(self, answers: list[Answer]) -> Transfer | None:
        """Give what stopped the transfer before the body, None if nothing did."""
        for stage, answer in zip(Stage, answers, strict=False):
            is_agreed = answer.code == START_INPUT if stage is Stage.DATA else answer.code < 300
            if answer.code >= 400:
                return Transfer(stage, answer.code, cleaned(answer.text))
            if not is_agreed:
                return Transfer(stage, 0, f"{answer.code} is no answer to {stage}")
        if len(answers) < 3:
            stage = list(Stage)[len(answers)]
            return Transfer(stage, 0, f"{self._fault} at {stage}")
        return None

    def _ending(self, answers: list[Answer]) -> Transfer:
        """Say how the body went, by its answer if there is one."""
        if self._body is not None:
            return Transfer(Stage.DATA, 0, f"{self._fault} after {Stage.DATA}")
        if not answers:
            text = f"{self._fault} after {Stage.BODY}"
            return Transfer(Stage.BODY, 0, text, uncertain=not self._paused)
        code, text = answers[0].code, cleaned(answers[0].text)
        if 300 <= code < 400:
            return Transfer(Stage.BODY, 0, f"{code} is no answer to a message", uncertain=True)
        return Transfer(Stage.BODY, code, text)

    async def _is_reset(self, answers: list[Answer]) -> bool:
        """Bring the connection back between two messages after a refusal."""
        if answers[-1].code == START_INPUT:
            # DATA was let through although the recipient was not; RFC 2920 section 3.1: one dot.
            return answers[1].code >= 400 and bool(
                await self._exchange(b".\r\n", 1, self._last_timeout)
            )
        reset = await self._exchange(b"RSET\r\n", 1, self._timeout)
        return bool(reset) and reset[0].code < 300

    async def _exchange(
        self, written: bytes, count: int, within: float, body: Sequence[bytes] | None = None
    ) -> list[Answer]:
        """Write, then read so many answers; fewer if the connection broke or time ran out.

        Args:
            written: nothing where it went ahead.
            body: written where these answers ask for it; its answer is one more.
        """
        self._wanted = count
        self._body = body
        if self._fault is None:
            self._enough = self._loop.create_future()
            self._wait(within)
            if written:
                self._owed += count
                self._transport.write(written)
            else:
                self._go_on()
            try:
                await self._enough
            finally:
                self._enough = None
        answers = self._answers[: self._wanted]
        del self._answers[: self._wanted]
        return answers

    def _go_on(self) -> None:
        """Do what comes next once the answers that are waited for are here."""
        if self._enough is None or len(self._answers) < self._wanted:
            return
        if self._body is not None and self._fault is None and self._is_body_wanted():
            self._send_body(self._body)
        else:
            self._wake()

    def _is_body_wanted(self) -> bool:
        *others, last = [answer.code for answer in self._answers]
        return last == START_INPUT and all(code < 300 for code in others)

    def _send_body(self, body: Sequence[bytes]) -> None:
        ahead = self._following.commands if self._following else ()
        self._is_ahead = bool(ahead)
        self._body = None
        self._wanted += 1
        self._owed += 1 + len(ahead)
        self._wait(self._last_timeout)
        # Paused then means that bytes of the body are still here: it was not handed over whole.
        room = sum(map(len, ahead))
        self._transport.set_write_buffer_limits(high=room + 1, low=room)
        self._transport.write(b"".join((*body, *ahead)))

    def _wait(self, within: float) -> None:
        """Break the connection if nothing is there in time; one timer serves many waits."""
        self._within = within
        self._answer_by = self._loop.time() + within
        if self._timer is None or self._timer.when() > self._answer_by:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(self._answer_by, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._enough is None:
            return
        if self._loop.time() < self._answer_by:
            self._set_timer()
        else:
            self._break(f"no answer within {self._within:g} s")

    def _take(self, answer: Answer) -> None:
        # What was asked for counts, whatever follows: a lost 250 would double the message.
        if not self._owed:
            raise WireError("the server spoke unasked")
        self._owed -= 1
        self._answers.append(answer)
        if answer.code == 421:
            raise WireError("the server closes the connection")

    def _break(self, fault: str) -> None:
        self._fault = self._fault or fault
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._enough is not None and not self._enough.done():
            self._enough.set_result(None)
