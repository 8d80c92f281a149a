"""A relay that takes everything and remembers who got what; in a thread of its own."""

import asyncio
import re
import threading
from collections import Counter

MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.MULTILINE)


class Relay:
    """Counts what it takes, by recipient and Message-ID, before it answers.

    Attributes:
        pause: seconds that taking a message lasts.
    """

    def __init__(self, *, pause: float = 0.0) -> None:
        self.taken: Counter[tuple[str, str]] = Counter()
        self.pause = pause
        self.port = 0

    def __enter__(self) -> "Relay":
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.run_until_complete(self._leave())
        self._loop.close()

    async def _leave(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def reached(self) -> int:
        """How many readers have their message; each has one Message-ID, whatever happens."""
        return len(self.taken)

    @property
    def doubled(self) -> int:
        """How many messages came that had come before."""
        return self.taken.total() - self.reached

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client was killed: that is what this is for
        finally:
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipient = ""
        writer.write(b"220 sweep ESMTP\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sweep\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
            elif verb == b"RCPT":
                recipient = line.decode().partition("<")[2].partition(">")[0]
                writer.write(b"250 2.1.5 ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                content = await reader.readuntil(b"\r\n.\r\n")
                await asyncio.sleep(self.pause)
                self.taken[recipient, MESSAGE_ID.search(content)[1].decode()] += 1
                writer.write(b"250 2.0.0 taken\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 ok\r\n")
