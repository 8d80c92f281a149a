"""From the form to the first digest, and out again."""

import re
from dataclasses import replace

import pytest

from digest.links import CONFIRM_WITHIN
from digest.model import DeliveryKind, DeliveryStatus, SubscriberStatus, Verdict
from digest.store.membership import save_wishes
from digest.store.subscribers import feedback_of

ADA = "ada@example.org"


def kinds(world):
    return [one.kind for one in reversed(world.deliveries())]


def test_a_sign_up_is_asked_for_confirmation_and_nothing_else(world):
    assert world.sign_up(ADA, topics="graph neural networks").status_code == 200

    reader = world.subscriber()
    assert reader.status is SubscriberStatus.UNCONFIRMED
    assert [interest.name for interest in reader.interests] == ["graph neural networks"]
    [delivery] = world.deliveries()
    assert (delivery.kind, delivery.recipient) == (DeliveryKind.CONFIRMATION, ADA)
    assert world.composed() == []


def test_following_the_link_changes_nothing_until_the_button_is_pressed(world):
    world.sign_up(ADA)
    [delivery] = world.deliveries()
    text = world.mail(delivery).get_body(("plain",)).get_content()
    link = re.search(r"https://\S+/c/\S+", text)[0]

    page = world.get(link)
    assert page.status_code == 200
    assert ADA not in page.text
    assert world.subscriber().status is SubscriberStatus.UNCONFIRMED

    answer = world.post(link)
    assert (answer.status_code, world.subscriber().status) == (303, SubscriberStatus.CONFIRMED)
    assert "Welcome" in world.get(answer.headers["location"]).text
    assert world.post(link).status_code == 303


def test_a_confirmation_link_expires(world):
    world.sign_up(ADA)
    reader = world.subscriber()
    link = world.links.confirm(reader.id, reader.link_epoch, world.clock())

    world.clock.move(hours=CONFIRM_WITHIN.total_seconds() / 3600 + 1)

    assert world.post(link).status_code == 410
    assert world.subscriber().status is SubscriberStatus.UNCONFIRMED


def test_it_was_not_me_ends_it_for_ever(world):
    world.sign_up(ADA)
    reader = world.subscriber()
    world.post(f"{world.links.confirm(reader.id, 0, world.clock())}/never")
    world.clock.move(days=2)
    world.sign_up(ADA)

    assert world.subscriber() is None
    assert world.deliveries() == []


def test_a_known_address_is_led_to_its_preferences_and_keeps_them(world):
    world.joined(ADA, topics="graphs")
    world.clock.move(hours=1)
    world.sign_up(ADA, topics="something else")

    assert kinds(world) == [DeliveryKind.CONFIRMATION, DeliveryKind.ACCESS]
    assert [one.name for one in world.subscriber().interests] == ["graphs"]


@pytest.mark.parametrize(
    "email", ["", "nonsense", "a@b", "x" * 400, "ada@example.org\r\nBcc: b@c.de"]
)
def test_a_wrong_address_gets_the_same_answer_and_no_mail(world, email):
    right, wrong = world.sign_up("new@example.org"), world.sign_up(email)

    assert (wrong.status_code, wrong.text) == (right.status_code, right.text)
    assert len(world.deliveries()) == 1


def test_the_answer_does_not_say_whether_an_address_is_known(world):
    world.joined(ADA)

    answers = [world.sign_up(email) for email in (ADA, "new@example.org", ADA)]
    assert len({(one.status_code, one.text, str(one.headers)) for one in answers}) == 1


@pytest.mark.parametrize(
    "fields", [{"website": "http://spam.example"}, {"stamp": ""}, {"stamp": "forged.stamp"}]
)
def test_a_machine_gets_no_mail(world, fields):
    world.sign_up(ADA, **fields)

    assert world.deliveries() == []


def test_a_form_filled_in_no_time_gets_no_mail(world):
    stamp = world.links.form_stamp(world.clock())
    world.post("/subscribe", data={"email": ADA, "stamp": stamp, "website": ""})

    assert world.deliveries() == []


def test_one_address_gets_one_mail_in_a_quarter_of_an_hour(world):
    for _ in range(3):
        world.sign_up(ADA)

    assert len(world.deliveries()) == 1


def test_preferences_are_shown_changed_and_meet_the_next_digest(world):
    reader = world.joined(ADA, topics="graph neural networks")
    page = world.preferences(reader)
    assert "graph neural networks" in world.get(page).text

    world.post(
        page,
        data={
            "name-0": "Proteins",
            "text-0": "protein folding",
            "weight-0": "2",
            "muted_words-0": "study 10\nstudy 7",
            "at": "05:30",
            "timezone": "UTC",
            "max_items": "2",
            "at_least": "2",
            "popularity": "0",
            "language": "de",
        },
    )

    changed = world.subscriber()
    [interest] = changed.interests
    assert (interest.name, interest.muted_words) == ("Proteins", ("study 10", "study 7"))
    assert (changed.max_items, changed.at_least, changed.language) == (2, 2, "de")
    world.clock.move(days=1)
    [digest] = world.composed()
    titles = [pick.item.title for pick in digest.picks]
    assert all("Protein folding" in title for title in titles)
    assert not any(title.endswith(("study 10", "study 7")) for title in titles)


def test_a_pause_keeps_digests_away_until_its_day(world):
    reader = world.joined(ADA)
    world.post(world.preferences(reader), data={"paused_until": "2026-11-25", "at": "05:30"})

    world.clock.move(days=2)
    assert world.composed() == []
    world.clock.move(days=3)
    assert len(world.composed()) == 1


def test_one_click_unsubscribes_at_once_without_login_cookie_or_redirect(world):
    """RFC 8058 section 3.2; a mailbox sends no Sec-Fetch-Site, and may send it twice."""
    reader = world.joined(ADA)
    link = world.links.unsubscribe(reader.id)
    for _ in range(2):
        answer = world.post(link, data={"List-Unsubscribe": "One-Click"}, headers={})
        assert (answer.status_code, "set-cookie" in answer.headers) == (200, False)

    assert world.subscriber().status is SubscriberStatus.UNSUBSCRIBED
    assert kinds(world).count(DeliveryKind.FAREWELL) == 1
    pending = [one for one in world.deliveries() if one.status is DeliveryStatus.PENDING]
    assert [one.kind for one in pending] == [DeliveryKind.FAREWELL]


def test_opening_the_unsubscribe_page_changes_nothing(world):
    reader = world.joined(ADA, topics="graphs\nproteins")

    page = world.get(world.links.unsubscribe(reader.id))

    assert "a…@e…org" in page.text.replace(".org", "org")
    assert ADA not in page.text
    assert world.subscriber().status is SubscriberStatus.CONFIRMED


def test_one_interest_can_be_left_alone(world):
    reader = world.joined(ADA, topics="graphs\nproteins")
    world.post(world.links.unsubscribe(reader.id), data={"which": "0"})

    assert [one.name for one in world.subscriber().interests] == ["proteins"]
    assert world.subscriber().status is SubscriberStatus.CONFIRMED


def test_links_are_void_after_leaving_and_the_farewell_leads_back(world):
    reader = world.joined(ADA, topics="graphs")
    page = world.preferences(reader)
    world.post(world.links.unsubscribe(reader.id))
    assert world.get(page).status_code == 410

    farewell = world.deliveries()[0]
    text = world.mail(farewell).get_body(("plain",)).get_content()
    world.post(re.search(r"https://\S+/c/\S+", text)[0])

    assert world.subscriber().status is SubscriberStatus.CONFIRMED
    assert world.get(page).status_code == 410
    assert world.get(world.preferences(world.subscriber())).status_code == 200


def test_feedback_is_asked_for_given_shown_and_taken_back(world):
    reader = world.joined(ADA, topics="graph neural networks")
    world.clock.move(days=1)
    [digest] = world.composed()
    copy = world.links.digest(reader.id, digest.id, 0)

    assert digest.picks[0].item.title in world.get(copy).text
    assert world.get(f"{copy}/1/more").status_code == 200
    assert feedback(world, reader) == []
    assert "Thank you" in world.post(f"{copy}/1/more").text
    assert feedback(world, reader) == [(digest.picks[0].item.id, Verdict.MORE)]
    assert digest.picks[0].item.title in world.get(f"{world.preferences(reader)}/feedback").text
    world.post(f"{copy}/1/undo")
    assert feedback(world, reader) == []
    assert world.get(f"{copy}/99/more").status_code == 410


def feedback(world, reader):
    with world.database.read() as connection:
        found = feedback_of(connection, [reader.id]).get(reader.id, ())
    return [(one.item.id, one.verdict) for one in found]


def test_data_can_be_exported_and_erased(world):
    reader = world.joined(ADA, topics="graphs")
    world.clock.move(days=1)
    world.composed()
    page = world.preferences(reader)

    exported = world.get(f"{page}/export").json()
    assert exported["subscriber"]["email"] == ADA
    [digest] = exported["digests"]
    assert [pick["place"] for pick in digest["picks"]] == list(range(1, len(digest["picks"]) + 1))
    assert digest["picks"][0]["item"]["title"]
    assert digest["picks"][0]["reasons"][0]["kind"] == "topic"
    assert world.get(f"{page}/erase").status_code == 200
    assert world.subscriber() is not None

    assert world.post(f"{page}/erase").status_code == 200
    assert world.subscriber() is None
    assert world.get(page).status_code == 410
    assert world.deliveries() == []


def test_config_owned_preferences_are_the_operators(world):
    reader = world.joined(ADA, topics="graphs")
    with world.database.write() as connection:
        save_wishes(connection, replace(reader, config_owned=True))
    world.post(world.preferences(reader), data={"name-0": "other"})

    assert [one.name for one in world.subscriber().interests] == ["graphs"]


def test_the_next_digest_shows_the_effect_of_feedback(world):
    reader = world.joined(ADA, max_items="3")
    world.clock.move(days=1)
    [digest] = world.composed()
    page = f"{world.preferences(reader)}/next"
    before = re.findall(r"[A-Z][a-z ]+, study \d+", world.get(page).text)
    liked = next(pick for pick in digest.picks if "Protein" in pick.item.title)
    copy = world.links.digest(reader.id, digest.id, 0)

    for place in {pick.place for pick in digest.picks} - {liked.place}:
        world.post(f"{copy}/{place}/less")
    world.post(f"{copy}/{liked.place}/more")

    after = re.findall(r"[A-Z][a-z ]+, study \d+", world.get(page).text)
    assert before != after
    assert sum("Protein" in one for one in after) > sum("Protein" in one for one in before)
    assert len(world.composed()) == 1
