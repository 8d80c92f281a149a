"""What composing one mail costs: `python tests/bench/bench_compose.py [--readers N] [--picks K]`.

Prints the mean of a run's first mails, and of later readers when the items are warm but the
readers' reasons and summaries are not; then medians of several rounds, each way in turn, as
machines are noisy: the builder with all pieces warm, the stdlib's EmailMessage over the same
finished parts, the step of ours that does no more than that, and a bare Jinja2 render of a
template that holds as many bytes.
"""

import argparse
import random
import re
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from jinja2 import Environment

from digest.compose.letter import write_letter
from digest.compose.message import MessageBuilder
from digest.model import Delivery, Digest, Interest, Ranked, ReasonKind, Subscriber
from digest.render import Templates
from digest.senders.work import collect_rarely
from tests.compose.samples import ADA, MAIL, because, make_delivery, make_digest, make_item

WORDS = re.findall(
    r"\w+",
    "retrieval embeddings proteins diffusion attention robots planning alignment speech vision "
    "tokens memory agents compilers graphs sampling calibration translation privacy benchmarks",
)
ROUNDS = 7


def make_items(count: int, chance: random.Random) -> list[Ranked]:
    """Invent items with abstracts of the usual length."""
    ranked = []
    for number in range(count):
        sentences = (
            f"We study {' '.join(chance.sample(WORDS, 9))} under a budget of {n}.{n} hours."
            for n in range(12)
        )
        item = make_item(
            number,
            " ".join(chance.sample(WORDS, 8)).title(),
            " ".join(sentences),
            authors=("Mira Halvorsen", "Tomás Quiroga", "Wei-Lin Zhao", "Priya Raman"),
            organisation="Nordlys Research",
            upvotes=number,
            comments=number % 7,
        )
        ranked.append(Ranked(item=item, score=1.0))
    return ranked


def make_mails(readers: int, items: int, picks: int) -> list[tuple[Delivery, Digest, Subscriber]]:
    """Invent readers with interests of their own, and a digest for each."""
    chance = random.Random(7)
    pool = make_items(items, chance)
    mails = []
    for number in range(readers):
        names = chance.sample(WORDS, 3)
        subscriber = replace(
            ADA,
            id=f"reader-{number}",
            email=f"reader{number}@example.org",
            name=f"Reader {number}",
            max_items=picks,
            interests=tuple(Interest(name=name) for name in names),
        )
        chosen = []
        for place, one in enumerate(chance.sample(pool, picks)):
            name = chance.choice(names)
            reasons = (
                because(ReasonKind.KEYWORD, name, 0.5, name),
                because(ReasonKind.TOPIC, ", ".join(chance.sample(names, 2)), 0.2, name),
                because(ReasonKind.POPULARITY, "9", 0.1),
            )
            chosen.append(one._replace(score=1 - place / 100, interest=name, reasons=reasons))
        mails.append((make_delivery(subscriber), make_digest(chosen, subscriber), subscriber))
    return mails


def seconds(work: Callable[[], object]) -> float:
    """Time one run on our own processor time; the machine may be busy with others."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readers", type=int, default=2000)
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--picks", type=int, default=10)
    wanted = parser.parse_args()
    mails = make_mails(wanted.readers, wanted.items, wanted.picks)
    collect_rarely()  # as the program does
    templates = Templates()
    builder = MessageBuilder(MAIL, templates)
    first = seconds(lambda: builder.build(*mails[0]))
    known, new = mails[: len(mails) * 4 // 5], mails[len(mails) * 4 // 5 :]
    run = seconds(lambda: [builder.build(*mail) for mail in known])
    later = seconds(lambda: [builder.build(*mail) for mail in new])

    delivery, digest, subscriber = mails[0]
    html, text = builder.html(digest, subscriber), builder.text(digest, subscriber)
    subject = builder.subject(digest, subscriber)
    few = mails[:20]
    pieces, language = builder._pieces, templates.language(subscriber.language)
    letters = [write_letter(pieces, language, *mail[1:]) for mail in few]
    holes = html.split("Nordlys")
    template = Environment(autoescape=True).from_string("{{ name }}".join(holes))

    def by_stdlib() -> None:
        for _ in few:
            message = EmailMessage(policy=SMTP.clone(max_line_length=76))
            message["From"], message["To"] = MAIL.sender, subscriber.email
            message["Subject"], message["Message-ID"] = subject, f"<{delivery.message_id}>"
            message.set_content(text, cte="quoted-printable")
            message.add_alternative(html, subtype="html", cte="quoted-printable")
            message.as_bytes()

    def of_letters() -> None:
        for letter, mail in zip(letters, few, strict=True):
            builder.assembled(letter, *mail)

    ways: dict[str, Callable[[], object]] = {
        "the mail's bytes of its encoded pieces": of_letters,
        "build, all pieces warm": lambda: [builder.build(*mail) for mail in few],
        "bare Jinja2 render of the same HTML": lambda: [template.render(name="x") for _ in few],
        "EmailMessage.as_bytes of the same parts": by_stdlib,
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(seconds(way) / len(few))
    warm = statistics.median(times["build, all pieces warm"])
    size = len(builder.build(delivery, digest, subscriber).content)
    print(f"{wanted.readers} readers, {wanted.items} items, {wanted.picks} picks, {size} bytes")
    print(f"{'first mail of a run':42} {first * 1e6:9.0f} us")
    print(f"{'mean, items not rendered yet':42} {run / len(known) * 1e6:9.0f} us")
    print(f"{'mean, items warm, readers new':42} {later / len(new) * 1e6:9.0f} us")
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:42} {median * 1e6:9.0f} us  {median / warm:6.2f} of warm")
    stdlib = statistics.median(times["EmailMessage.as_bytes of the same parts"])
    assembled = statistics.median(times["the mail's bytes of its encoded pieces"])
    print(f"EmailMessage.as_bytes takes {stdlib / assembled:.0f} times as long as our assembling,")
    print(f"{stdlib / warm:.0f} times as long as choosing, rendering and assembling together")


if __name__ == "__main__":
    main()
