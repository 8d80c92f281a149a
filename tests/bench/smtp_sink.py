"""A relay that takes everything, for benchmarks on machines without Postfix's smtp-sink."""

import asyncio
import sys


async def serve(reader, writer):
    """Answer one client; commands may come in one piece (RFC 2920)."""
    writer.write(b"220 sink ESMTP\r\n")
    while line := await reader.readline():
        verb = line[:4].upper()
        if verb == b"EHLO":
            writer.write(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
        elif verb == b"DATA":
            writer.write(b"354 go on\r\n")
            await reader.readuntil(b"\r\n.\r\n")
            writer.write(b"250 2.0.0 taken\r\n")
        elif verb == b"QUIT":
            writer.write(b"221 bye\r\n")
            break
        else:
            writer.write(b"250 2.1.0 ok\r\n")
    writer.close()


async def main():
    host, port = sys.argv[1].rsplit(":", 1)
    server = await asyncio.start_server(serve, host, int(port), limit=2**24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
