"""Saved listings: a file, the files of a folder, the mails of a Maildir."""

import os

import pytest

from digest.errors import FetchError
from digest.fetch import files
from digest.model import Validators

NONE = Validators()


def contents(path):
    return [document.content for document in files.read(path, NONE).documents]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("listing.html", True),
        ("/var/lib/listings", True),
        ("~/listings", True),
        ("file:///var/lib/listings", True),
        ("C:\\listings", True),
        ("2026-10-05 10:00.txt", True),
        ("http://example.org/", False),
        ("https://example.org/", False),
        ("ftp://example.org/", False),
    ],
)
def test_path_is_told_from_address(url, expected):
    assert files.is_file(url) is expected


def test_file_is_read_with_its_own_time(tmp_path):
    path = tmp_path / "listing.html"
    path.write_text("papers")
    os.utime(path, (1_700_000_000, 1_700_000_000))

    (saved,) = files.read(str(path), NONE).documents

    assert (saved.name, saved.content) == ("listing.html", b"papers")
    assert saved.saved_at.timestamp() == 1_700_000_000


def test_file_address_may_hold_escapes(tmp_path):
    (tmp_path / "my listing.html").write_text("papers")

    assert contents(f"{tmp_path.as_uri()}/my%20listing.html") == [b"papers"]


def test_same_bytes_are_unchanged(tmp_path):
    path = tmp_path / "listing.html"
    path.write_text("papers")
    first = files.read(str(path), NONE)

    os.utime(path, (1, 1))
    second = files.read(str(path), first.validators)
    path.write_text("other papers")
    third = files.read(str(path), first.validators)

    assert (second.documents, second.validators) == (None, first.validators)
    assert third.documents[0].content == b"other papers"


def test_folder_gives_its_files_newest_first(tmp_path):
    for name, changed_at in [("a", 30), ("b", 10), ("c", 20), (".d", 40)]:
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (changed_at, changed_at))
    (tmp_path / "folder").mkdir()

    assert contents(str(tmp_path)) == [b"a", b"c", b"b"]


def test_maildir_gives_its_new_and_its_seen_mails(tmp_path):
    for folder, name, changed_at in [("new", "1", 10), ("cur", "2:2,S", 30), ("tmp", "3", 40)]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(name)
        os.utime(tmp_path / folder / name, (changed_at, changed_at))

    assert contents(str(tmp_path)) == [b"2:2,S", b"1"]


def test_of_a_folder_no_more_than_the_newest_files_are_read(tmp_path):
    for number in range(files.MAX_FILES + 5):
        (tmp_path / f"{number:03}").write_text(str(number))
        os.utime(tmp_path / f"{number:03}", (number, number))

    found = contents(str(tmp_path))

    assert len(found) == files.MAX_FILES
    assert found[-1] == b"5"


def test_of_files_saved_at_once_the_last_by_name_comes_first(tmp_path):
    for day in ("2026-10-04", "2026-10-05", "2026-09-30"):
        (tmp_path / day).write_text(day)
        os.utime(tmp_path / day, (10, 10))

    assert contents(str(tmp_path)) == [b"2026-10-05", b"2026-10-04", b"2026-09-30"]


def test_file_over_the_limit_is_refused(tmp_path):
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(files.FILE_LIMIT_BYTES + 1)

    with pytest.raises(FetchError, match="over 20971520 bytes"):
        files.read(str(path), NONE)


def test_pipe_is_refused_without_waiting_for_it(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(FetchError, match="is not a regular file"):
        files.read(str(tmp_path / "pipe"), NONE)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("missing.html", "No such file"),
        (".", "the folder holds no file"),
        ("file://elsewhere/listing.html", "names no other host"),
    ],
)
def test_nothing_to_read_is_a_clear_error(tmp_path, monkeypatch, url, cause):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(FetchError, match=cause):
        files.read(url, NONE)
