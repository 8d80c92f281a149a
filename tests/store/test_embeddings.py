"""Vectors are kept by model and text, and the last word of a model is known."""

from datetime import timedelta

from digest.store.embeddings import KEPT_FOR, last_error, load_vectors, note_model, save_vectors
from tests.store.makers import LATER, NOW


def test_vectors_come_back_for_their_model_alone(database):
    with database.write() as connection:
        save_vectors(connection, "small", {"a": b"\x00\x01", "b": b"\xff"}, NOW)
        save_vectors(connection, "small", {"a": b"other"}, NOW)

        assert load_vectors(connection, "small", ["a", "b", "c"]) == {
            "a": b"\x00\x01",
            "b": b"\xff",
        }
        assert load_vectors(connection, "large", ["a"]) == {}


def test_old_vectors_are_forgotten(database):
    with database.write() as connection:
        save_vectors(connection, "small", {"a": b"1"}, NOW)
        save_vectors(connection, "small", {"b": b"2"}, NOW + KEPT_FOR + timedelta(seconds=1))

        assert load_vectors(connection, "small", ["a", "b"]) == {"b": b"2"}


def test_error_stands_until_the_model_answers_again(database):
    with database.write() as connection:
        note_model(connection, "small", "HTTP 503", NOW)
        during = last_error(connection)
        note_model(connection, "small", None, LATER)

        assert during == ("HTTP 503", NOW)
        assert last_error(connection) is None
