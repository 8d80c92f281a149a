"""What signing one message costs: `python tests/bench/bench_sign.py [--rounds N]`.

Prints our DKIM signer beside dkimpy over the same 34 kB and the same keys, and beside the bare
RSA operation of OpenSSL, below which none can go.  Each way in turn, medians of our own processor
time: the machine may be busy with others.  dkimpy verifies what was signed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import dkim
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from digest.deliver.dkim import Signer

LINE = b"The quick brown fox jumps over the lazy dog and finds a paper to read.\r\n"
HEAD = (
    b"From: Daily Digest <digest@example.org>\r\nTo: Ada <ada@example.org>\r\n"
    b"Subject: Sat 21 Nov\r\nDate: Sat, 21 Nov 2026 06:00:00 +0000\r\n"
    b"Message-ID: <one@example.org>\r\nList-Id: <digest.example.org>\r\n"
    b"List-Unsubscribe:\r\n <https://digest.example.org/u/token>,\r\n <mailto:l@example.org>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nMIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
)
MESSAGE = HEAD + LINE * (34_000 // len(LINE))
REPEATS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    asked = parser.parse_args()
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    by_rsa = Signer.from_pem(pem, domain="example.org", selector="rsa")
    by_ed25519 = Signer("example.org", "ed", ed25519.Ed25519PrivateKey.generate())
    for signer in (by_rsa, by_ed25519):
        record = signer.dns_text.encode()
        assert dkim.verify(signer.sign(MESSAGE) + MESSAGE, dnsfunc=lambda *_, **__: record)  # noqa: B023
    ways: dict[str, Callable[[], object]] = {
        "ours, rsa-2048": lambda: by_rsa.sign(MESSAGE),
        "OpenSSL's rsa-2048 operation alone": lambda: key.sign(
            LINE, padding.PKCS1v15(), hashes.SHA256()
        ),
        "ours, ed25519": lambda: by_ed25519.sign(MESSAGE),
        "dkimpy, rsa-2048, relaxed/simple": lambda: dkim.sign(
            MESSAGE, b"rsa", b"example.org", pem, canonicalize=(b"relaxed", b"simple")
        ),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(asked.rounds):
        for name, way in ways.items():
            begun = time.process_time()
            for _ in range(REPEATS):
                way()
            times[name].append((time.process_time() - begun) / REPEATS)
    ours = statistics.median(times["ours, rsa-2048"])
    print(f"{len(MESSAGE)} bytes, {asked.rounds} rounds")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:36} {median * 1e3:7.2f} ms a message  {median / ours:6.2f} of ours")


if __name__ == "__main__":
    main()
