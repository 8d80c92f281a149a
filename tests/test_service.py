import asyncio
import os
import signal
import socket
import subprocess
import sys
import uuid
from contextlib import contextmanager
from datetime import timedelta

import pytest

from digest.service import Job, Notifier, run_service, stop_on_signals

OFTEN = timedelta(milliseconds=5)
PATIENCE = timedelta(seconds=30)

# A service of two jobs: one that waits for a line of stdin, and one that always fails.
SERVICE = """
import asyncio, os, sys
from datetime import timedelta
from digest.service import Job, Notifier, run_service

async def deliver():
    print("begun", flush=True)
    {wait_for_a_line}
    print("delivered", flush=True)

async def fail():
    raise RuntimeError("this job always fails")

asyncio.run(
    run_service(
        {{
            "fail": Job(run=fail, every=timedelta(milliseconds=5)),
            "deliver": Job(run=deliver, every=timedelta(hours=1)),
        }},
        stop=asyncio.Event(),
        stop_within=timedelta(seconds=60),
        notifier=Notifier.from_environment(os.environ),
    )
)
print("ended", flush=True)
"""
WAITS = "await asyncio.to_thread(sys.stdin.readline)"
HANGS_THE_LOOP = "sys.stdin.readline()"


@pytest.fixture
def manager(tmp_path):
    """The service manager's end of NOTIFY_SOCKET."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(PATIENCE.total_seconds())
        yield listening


@contextmanager
def service(manager, wait_for_a_line):
    """Run the service as a process of its own; its watchdog wants a sign every 20 ms."""
    environment = {
        **os.environ,
        "NOTIFY_SOCKET": manager.getsockname(),
        "WATCHDOG_USEC": "20000",
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", SERVICE.format(wait_for_a_line=wait_for_a_line)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def received(manager, wanted):
    """Read messages up to the first one with the wanted line, and give that one's lines."""
    while True:
        lines = manager.recv(4096).decode().split("\n")
        if wanted in lines:
            return lines


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_lets_the_running_job_finish_and_ends_with_success(manager, number):
    with service(manager, WAITS) as process:
        assert manager.recv(4096) == b"READY=1"
        assert process.stdout.readline() == "begun\n"
        received(manager, "WATCHDOG=1")

        process.send_signal(number)

        stopping = received(manager, "STOPPING=1")
        assert "STATUS=finishing deliver" in stopping
        assert "EXTEND_TIMEOUT_USEC=75000000" in stopping
        received(manager, "WATCHDOG=1")
        assert process.poll() is None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.read() == "delivered\nended\n"
        assert process.wait() == 0


def test_second_signal_ends_the_process_at_once(manager):
    with service(manager, WAITS) as process:
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGTERM)
        received(manager, "STOPPING=1")

        process.send_signal(signal.SIGTERM)

        assert process.wait(PATIENCE.total_seconds()) == -signal.SIGTERM


def test_hung_event_loop_is_not_fed_to_the_watchdog(manager):
    with service(manager, HANGS_THE_LOOP) as process:
        assert process.stdout.readline() == "begun\n"

        manager.settimeout(0.4)  # 20 times the watchdog's patience
        with pytest.raises(TimeoutError):
            received(manager, "a line that never comes")

        manager.settimeout(PATIENCE.total_seconds())
        process.stdin.write("go\n")
        process.stdin.flush()
        received(manager, "WATCHDOG=1")


async def test_failing_job_does_not_stop_the_others():
    stop, runs = asyncio.Event(), []

    async def failing():
        runs.append("failing")
        raise RuntimeError("this job always fails")

    async def working():
        runs.append("working")
        if runs.count("working") >= 3 and runs.count("failing") >= 3:
            stop.set()

    async with asyncio.timeout(PATIENCE.total_seconds()):
        await run_service(
            {"failing": Job(run=failing, every=OFTEN), "working": Job(run=working, every=OFTEN)},
            stop=stop,
            stop_within=PATIENCE,
            notifier=Notifier(),
        )

    assert runs.count("working") >= 3


async def test_job_beyond_its_limit_is_not_fed_to_the_watchdog(manager, caplog):
    """The watchdog starves while the job is stuck, says so once in the log, and recovers."""
    stop, may_end = asyncio.Event(), asyncio.Event()
    job = Job(run=may_end.wait, every=OFTEN, limit=timedelta(milliseconds=400))
    notifier = Notifier(manager.getsockname(), watchdog=timedelta(milliseconds=10))
    running = asyncio.create_task(
        run_service({"fetch": job}, stop=stop, stop_within=PATIENCE, notifier=notifier)
    )

    async def lines_of_next_message():
        return (await asyncio.to_thread(manager.recv, 4096)).decode().split("\n")

    fed = 0
    while (lines := await lines_of_next_message()) != ["STATUS=stuck: fetch"]:
        fed += "WATCHDOG=1" in lines
    starved = [await lines_of_next_message() for _ in range(5)]
    may_end.set()
    while "WATCHDOG=1" not in await lines_of_next_message():
        pass
    stop.set()
    await running

    assert fed >= 1
    assert starved == [["STATUS=stuck: fetch"]] * 5
    assert caplog.messages == ["job stuck, watchdog no longer fed: jobs=fetch"]


async def test_signals_have_their_old_meaning_after_the_block():
    with stop_on_signals():
        inside = signal.getsignal(signal.SIGTERM)

    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL != inside


def test_abstract_socket_is_reached():
    name = f"digest-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(f"\0{name}")

        Notifier(f"@{name}").send("READY=1", "STATUS=héllo")

        assert manager.recv(4096) == "READY=1\nSTATUS=héllo".encode()


def test_manager_out_of_reach_is_a_warning(tmp_path, caplog):
    Notifier(str(tmp_path / "nobody")).send("READY=1")

    assert caplog.messages[0].startswith("service manager out of reach: message=READY=1: ")


def test_manager_that_does_not_read_holds_nothing_up(manager, caplog):
    notifier = Notifier(manager.getsockname())

    while not caplog.messages:
        notifier.send("WATCHDOG=1")

    assert "message=WATCHDOG=1" in caplog.messages[0]


@pytest.mark.parametrize(
    ("environment", "notifier"),
    [
        pytest.param({}, Notifier(), id="no service manager"),
        pytest.param({"NOTIFY_SOCKET": ""}, Notifier(), id="empty"),
        pytest.param({"NOTIFY_SOCKET": "/run/n"}, Notifier("/run/n"), id="no watchdog"),
        pytest.param(
            {"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "30000000"},
            Notifier("@n", timedelta(seconds=30)),
            id="watchdog",
        ),
        pytest.param(
            {"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())},
            Notifier("@n", timedelta(seconds=1)),
            id="watchdog for this process",
        ),
        pytest.param(
            {"NOTIFY_SOCKET": "@n", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"},
            Notifier("@n"),
            id="watchdog for another process",
        ),
        pytest.param({"WATCHDOG_USEC": "soon"}, Notifier(), id="not a number"),
    ],
)
def test_environment_says_who_listens(environment, notifier):
    assert Notifier.from_environment(environment) == notifier
