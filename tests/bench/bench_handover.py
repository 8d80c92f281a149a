"""How fast messages go to a relay, beside Postfix's own smtp-source in the same run.

    python tests/bench/bench_handover.py [--messages N] [--connections N] [--rounds N]

The relay is Postfix's smtp-sink (Debian package postfix: `apt-get install postfix`; no daemon
need run).  Both send messages of 34 kB over connections that are kept; rounds take turns and
medians are printed, because a machine's speed drifts.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import random
from typing import NamedTuple

from digest.config import SmtpSettings
from digest.deliver.send import send_all
from digest.deliver.smtp import SmtpTransport
from digest.model import AttemptOutcome, Delivery, DeliveryKind, Message

SIZE_BYTES = 34_000
LINE = b"The quick brown fox jumps over the lazy dog and finds a paper to read.\r\n"


class Speed(NamedTuple):
    """Messages a second, and the CPU microseconds of the sending process for each."""

    messages: float
    busy: float

    def __str__(self) -> str:
        return f"{self.messages:,.0f}/s ({self.busy:.0f} us CPU a message)"


def tool(name: str) -> str:
    """Find one of Postfix's tools, or say where it comes from."""
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/lib/postfix/sbin")
    if found is None:
        sys.exit(f"{name} is missing: install Debian's package postfix")
    return found


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """Run smtp-sink on a free port and give the port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    as_nobody = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([tool("smtp-sink"), *as_nobody, f"127.0.0.1:{port}", "1024"])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def run_smtp_source(port: int, messages: int, connections: int, size: int = SIZE_BYTES) -> Speed:
    """Measure smtp-source."""
    command = [tool("smtp-source"), "-d", "-s", str(connections), "-m", str(messages)]
    command += ["-l", str(size), "-f", "digest@example.org", "-t", "ada@example.org"]
    used, began = os.times(), time.perf_counter()
    subprocess.run([*command, f"127.0.0.1:{port}"], check=True)
    elapsed, now = time.perf_counter() - began, os.times()
    busy = now.children_user + now.children_system - used.children_user - used.children_system
    return Speed(messages / elapsed, busy / messages * 1e6)


def run_ours(port: int, messages: int, connections: int) -> Speed:
    """Measure our transport."""
    settings = SmtpSettings(
        host="127.0.0.1",
        port=port,
        security="none",
        connections=connections,
        per_connection=1_000_000,  # smtp-source keeps its connections too
        local_name="bench.test",
    )
    busy, began = time.process_time(), time.perf_counter()
    asyncio.run(send(settings, messages))
    elapsed, busy = time.perf_counter() - began, time.process_time() - busy
    return Speed(messages / elapsed, busy / messages * 1e6)


async def send(settings: SmtpSettings, messages: int) -> None:
    transport = SmtpTransport(settings, password=None)
    now = datetime.now(UTC)
    head = b"From: digest@example.org\r\nSubject: bench\r\n\r\n"
    content = head + LINE * (SIZE_BYTES // len(LINE))
    delivery = Delivery(
        id="0",
        kind=DeliveryKind.DIGEST,
        recipient="ada@example.org",
        message_id="one@example.org",
        created_at=now,
        next_attempt_at=now,
    )
    message = Message(
        delivery_id="0",
        message_id="one@example.org",
        sender="digest@example.org",
        recipient="ada@example.org",
        content=content,
    )
    attempts = send_all(
        transport,
        (message._replace(delivery_id=str(number)) for number in range(messages)),
        dict.fromkeys(map(str, range(messages)), delivery),
        give_up_after=timedelta(hours=24),
        clock=lambda: now,
        random=random,
        stop=asyncio.Event(),
    )
    sent = 0
    async for attempt in attempts:
        sent += attempt.outcome is AttemptOutcome.SENT
    await transport.close()
    assert sent == messages, f"{sent} of {messages} were taken"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    ratios = []
    with sink() as port:
        for number in range(asked.rounds):
            theirs = run_smtp_source(port, asked.messages, asked.connections)
            ours = run_ours(port, asked.messages, asked.connections)
            ratios.append(ours.messages / theirs.messages)
            print(f"round {number + 1}: smtp-source {theirs}, ours {ours}, ratio {ratios[-1]:.2f}")
    print(
        f"{asked.connections} connections, {asked.messages} messages of {SIZE_BYTES} bytes: "
        f"median ratio {statistics.median(ratios):.2f}"
    )


if __name__ == "__main__":
    main()
