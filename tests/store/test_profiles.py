"""What is kept of profiles belongs to one version and one subscriber, and goes with either."""

from digest.store.fits import KEPT, Fit, add_fit
from digest.store.membership import erase
from digest.store.profiles import kept_after, load_profiles, save_profiles
from tests.store.makers import NOW, make_subscriber, store_subscribers


def ids_of(database, *names):
    store_subscribers(database, [make_subscriber(name) for name in names])
    with database.read() as connection:
        found = connection.exec_driver_sql("SELECT id FROM subscribers ORDER BY id").all()
    return [row.id for row in found]


def test_profiles_come_back_for_their_version_alone(database):
    ada, ben = ids_of(database, "ada", "ben")

    with database.write() as connection:
        save_profiles(connection, 1, {ada: b"\x00\x01", ben: b""})
        save_profiles(connection, 2, {ada: b"new"})
        save_profiles(connection, 1, {ada: b"later"})

        assert load_profiles(connection, 1, [ada, ben, "nobody"]) == {ada: b"later", ben: b""}
        assert load_profiles(connection, 2, [ada, ben]) == {ada: b"new"}
        assert kept_after(connection, 1, "", 1) == [ada]
        assert kept_after(connection, 1, ada, 9) == [ben]


def test_erased_subscriber_leaves_no_profile_and_gets_none(database):
    ada, ben = ids_of(database, "ada", "ben")

    with database.write() as connection:
        save_profiles(connection, 1, {ada: b"1", ben: b"2"})
        erase(connection, [ada])
        save_profiles(connection, 1, {ada: b"again"})

        assert load_profiles(connection, 1, [ada, ben]) == {ben: b"2"}


def test_profiles_of_a_version_long_gone_go_with_it(database):
    [ada] = ids_of(database, "ada")
    with database.write() as connection:
        save_profiles(connection, 1, {ada: b"1"})
        for version in range(1, KEPT + 2):
            assert load_profiles(connection, 1, [ada])
            add_fit(connection, Fit(version=version, at=NOW, constants="", stored=0, item_ids=()))

        assert not load_profiles(connection, 1, [ada])
