"""The unit files, read by systemd itself, and the program under the limits that they set."""

import ctypes
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).parents[1] / "contrib" / "systemd"
SERVICES = ("digest.service", "digest-run.service")
MOST_EXPOSURE = 1.5

# What systemd does itself, in a process that then becomes the program: refuse every call that
# is not listed, address families, writable code.  Reads its two lists from stdin.
CONFINED = """
import ctypes, errno, json, os, sys

class Compared(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]

EQUAL, MASKED = 4, 7
FAMILIES = 46  # as many as Linux 6 knows
PROT_WRITE, PROT_EXEC = 2, 4
allow, refuse = 0x7FFF0000, 0x00050000 | errno.EPERM
seccomp = ctypes.CDLL("libseccomp.so.2")
seccomp.seccomp_init.restype = ctypes.c_void_p
seccomp.seccomp_rule_add_array.argtypes = (
    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(Compared))

def rule(filter, action, call, *compared):
    number = seccomp.seccomp_syscall_resolve_name(call.encode())
    if number >= 0:
        array = (Compared * len(compared))(*compared)
        assert seccomp.seccomp_rule_add_array(filter, action, number, len(array), array) == 0

def load(filter):
    assert seccomp.seccomp_load(ctypes.c_void_p(filter)) == 0

calls, families = json.load(sys.stdin)
extra = seccomp.seccomp_init(allow)
rule(extra, 0x00050000 | errno.ENOSYS, "clone3")  # RestrictNamespaces
rule(extra, refuse, "mmap", Compared(2, MASKED, PROT_WRITE | PROT_EXEC, PROT_WRITE | PROT_EXEC))
rule(extra, refuse, "mprotect", Compared(2, MASKED, PROT_EXEC, PROT_EXEC))
for family in set(range(FAMILIES)) - set(families):
    rule(extra, refuse, "socket", Compared(0, EQUAL, family, 0))
listed = seccomp.seccomp_init(refuse)
for call in calls + ["seccomp", "prctl"]:  # the two for loading the second filter
    rule(listed, allow, call)
load(extra)
load(listed)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""

# The calls that the day needs, beyond reading and writing files.
DAY = """
import asyncio, mmap, multiprocessing, os, resource, socket, sqlite3, sys

def is_refused(call, *arguments):
    try:
        call(*arguments)
    except OSError:
        return True
    return False

async def serve_and_get():
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server, aiohttp.ClientSession() as session:
        port = server.sockets[0].getsockname()[1]
        try:
            await session.get(f"http://localhost:{port}/")
        except aiohttp.ServerDisconnectedError:
            return await asyncio.to_thread(str, "the day is done")

if __name__ == "__main__":
    import aiohttp, aiosmtplib, alembic, apscheduler, css_inline, feedparser, nh3, psycopg
    import numpy, selectolax.lexbor, sqlalchemy
    from scipy.sparse import csr_matrix

    # The limits are in force ...
    assert is_refused(socket.socket, socket.AF_NETLINK, socket.SOCK_RAW)
    assert is_refused(os.nice, 1)
    assert is_refused(mmap.mmap, -1, 4096, mmap.MAP_PRIVATE, mmap.PROT_WRITE | mmap.PROT_EXEC)

    # ... and in nobody's way.
    numpy.random.default_rng(1).random((400, 400)) @ numpy.ones((400, 400))
    csr_matrix(numpy.eye(400)) @ numpy.ones((400, 400))
    with sqlite3.connect(sys.argv[1]) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE items (id TEXT)")
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        parser = context.Process(
            target=resource.setrlimit, args=(resource.RLIMIT_AS, (2**31, 2**31)))
        parser.start()
        parser.join()
        assert parser.exitcode == 0, method
        with context.Pool(1) as parsers:
            assert parsers.apply(nh3.clean, ("<b>bold</b><script>",)) == "<b>bold</b>"
    print(asyncio.run(serve_and_get()))
"""


@pytest.fixture
def analyze():
    """Run systemd-analyze; without it this file shows nothing, so CI must have it."""
    program = shutil.which("systemd-analyze")
    if program is None and os.environ.get("CI") == "true":
        pytest.fail("systemd-analyze is not installed: CI needs it to check the unit files")
    if program is None:
        pytest.skip("systemd-analyze is not installed: THE UNIT FILES WERE NOT CHECKED")

    def run(*arguments):
        return subprocess.run(
            [program, *arguments], capture_output=True, text=True, timeout=60, check=False
        )

    return run


def options(unit, section="Service"):
    """The (key, value) pairs of one section, in order; comments left out."""
    text = (UNITS / unit).read_text(encoding="utf-8")
    body = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)[1]
    return re.findall(r"^([A-Za-z]+)=(.*)$", body, re.MULTILINE)


def sandbox(unit):
    found = options(unit)
    return found[[key for key, _ in found].index("User") :]


def test_systemd_finds_nothing_to_say_against_the_units(analyze, tmp_path):
    """As copies whose program exists.  `verify` exits 0 on many a mistake, but is not mute then."""
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8")
        copy = text.replace("ExecStart=/usr/local/bin/digest", f"ExecStart={sys.executable}")
        (tmp_path / unit.name).write_text(copy, encoding="utf-8")

    verified = analyze("verify", *(str(tmp_path / unit.name) for unit in UNITS.iterdir()))

    assert verified.stdout + verified.stderr == ""
    assert verified.returncode == 0


@pytest.mark.parametrize("unit", SERVICES)
def test_exposure_is_low(analyze, unit):
    rated = analyze("security", "--offline=true", "--json=off", "--no-pager", str(UNITS / unit))

    level = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", rated.stdout)
    assert level, rated.stderr
    assert float(level[1]) <= MOST_EXPOSURE


def test_both_services_have_the_same_user_folders_and_sandbox():
    assert sandbox("digest.service") == sandbox("digest-run.service")
    assert len(sandbox("digest.service")) > 30


@pytest.mark.parametrize(
    ("unit", "command"), [("digest.service", "serve"), ("digest-run.service", "run")]
)
def test_unit_starts_the_installed_program(unit, command):
    expected = f"/usr/local/bin/digest --config /etc/digest/config.toml {command}"

    assert [value for key, value in options(unit) if key.startswith("Exec")] == [expected]


@pytest.mark.parametrize("unit", SERVICES)
@pytest.mark.parametrize("name", ["link-keys", "admin-token"])
def test_secrets_come_as_credentials_and_their_absence_stops_nothing(unit, name):
    """systemd.exec(5): a credential that is also set is no failure if its file is not there."""
    found = options(unit)

    assert ("LoadCredential", f"{name}:/etc/digest/{name}") in found
    assert ("SetCredential", f"{name}:\\n") in found
    example = (UNITS.parents[1] / "config.example.toml").read_text(encoding="utf-8")
    assert f'"$CREDENTIALS_DIRECTORY/{name}"' in example


def test_timer_comes_round_every_five_minutes_in_every_zone(analyze):
    """In UTC: a timer on local time skips what the clock jumps over on the spring DST day."""
    [(_, when)] = [pair for pair in options("digest-run.timer", "Timer") if pair[0] == "OnCalendar"]

    shown = analyze("calendar", "--base-time=2026-03-29 00:58:00 UTC", "--iterations=3", when)

    found = re.findall(r"(\d\d:\d\d:\d\d) UTC", shown.stdout)
    assert found == ["01:00:00", "01:05:00", "01:10:00"]


def test_program_works_under_the_limits_of_its_unit(analyze, tmp_path):
    """The very filter of the unit file, installed by libseccomp, around what the day calls."""
    try:
        ctypes.CDLL("libseccomp.so.2")
    except OSError:
        if os.environ.get("CI") == "true":
            pytest.fail("libseccomp is not installed: CI needs it to run under the unit's filter")
        pytest.skip("libseccomp is not installed: THE SANDBOX WAS NOT TRIED")
    limits = [value for key, value in options("digest.service") if key == "SystemCallFilter"]
    calls = set()
    for value in limits:
        names = expanded(analyze, value.removeprefix("~").split())
        calls = calls - names if value.startswith("~") else calls | names
    families = dict(options("digest.service"))["RestrictAddressFamilies"].split()
    numbers = [int(getattr(socket, family)) for family in families]
    (tmp_path / "day.py").write_text(DAY, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-c", CONFINED, str(tmp_path / "day.py"), str(tmp_path / "digest.db")],
        input=json.dumps([sorted(calls), numbers]),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.stdout == "the day is done\n", done.stderr


def expanded(analyze, names):
    """Replace each group of system calls by its calls, as this systemd knows them."""
    calls = {name for name in names if not name.startswith("@")}
    groups = [name for name in names if name.startswith("@")]
    while groups:
        shown = analyze("syscall-filter", groups.pop())
        members = [
            line.strip()
            for line in shown.stdout.splitlines()[1:]
            if line.strip() and "#" not in line
        ]
        calls.update(name for name in members if not name.startswith("@"))
        groups += [name for name in members if name.startswith("@")]
    return calls
