"""One run by several senders, led by one thread: what is given to whom."""

import socket
from datetime import timedelta

from digest.model import Attempt, AttemptOutcome, Reply
from digest.pipeline.crew import Report, Shift
from tests.deliver.conftest import NOW, make_delivery


class Sender:
    """Reports as told, one report after each share that it is given."""

    def __init__(self, *reports):
        self.reports = list(reports)
        self.given = []
        self.has_ended = False
        self.failure = None
        self.ours, self.theirs = socket.socketpair()

    def fileno(self):
        return self.ours.fileno()

    def give(self, deliveries, begin_within):
        self.given.append([one.id for one in deliveries])
        self.theirs.send(b"!")

    def receive(self):
        self.ours.recv(1)
        return [self.reports.pop(0)] if self.reports else []

    def acknowledge(self, attempts):
        pass

    def finish(self, *, at_once):
        self.has_ended = True
        self.theirs.send(b"!")


def sent(*names):
    attempts = [
        Attempt(
            delivery_id=name,
            at=NOW,
            outcome=AttemptOutcome.SENT,
            reply=Reply(code=250, text="ok", relay="relay"),
        )
        for name in names
    ]
    return Report(attempts)


def led(sender, claims):
    recorded = []
    shift = Shift(
        [sender],
        lambda most: [make_delivery(name) for name in claims.pop(0)],
        lambda attempts, look: recorded.extend(one.delivery_id for one in attempts),
        share=2,
        begin_within=timedelta(minutes=1),
        is_stopping=lambda: False,
        is_cut=lambda: False,
    )
    shift.deliver([make_delivery(name) for name in claims.pop(0)])
    sender.ours.close()
    sender.theirs.close()
    return recorded


def test_what_is_under_way_longer_than_its_lease_is_not_given_again():
    """Claimed anew it would be begun a second time, and come twice."""
    sender = Sender(sent("a"), sent("b", "c"), sent("d"))

    recorded = led(sender, [["a", "b"], ["b", "c"], ["d"], []])

    assert sender.given == [["a", "b"], ["c"], ["d"]]
    assert recorded == ["a", "b", "c", "d"]


def test_a_share_of_nothing_but_that_is_not_the_end():
    sender = Sender(sent("a"), sent("b", "c"))

    recorded = led(sender, [["a", "b"], ["b"], ["c"], []])

    assert sender.given == [["a", "b"], ["c"]]
    assert recorded == ["a", "b", "c"]
