"""Saved listings: a file, or the newest of a folder."""

import os

import pytest

from digest.errors import FetchError
from digest.fetch import files
from digest.model import Validators

NONE = Validators()


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

    saved = files.read(str(path), NONE)

    assert saved.content == b"papers"
    assert saved.saved_at.timestamp() == 1_700_000_000


def test_file_address_may_hold_escapes(tmp_path):
    (tmp_path / "my listing.html").write_text("papers")

    assert files.read(f"{tmp_path.as_uri()}/my%20listing.html", NONE).content == b"papers"


def test_same_bytes_are_unchanged(tmp_path):
    path = tmp_path / "listing.html"
    path.write_text("papers")
    first = files.read(str(path), NONE)

    os.utime(path, (1, 1))
    second = files.read(str(path), first.validators)
    path.write_text("other papers")
    third = files.read(str(path), first.validators)

    assert (second.content, second.validators) == (None, first.validators)
    assert third.content == b"other papers"


def test_folder_gives_its_newest_file(tmp_path):
    for name, changed_at in [("a", 30), ("b", 10), ("c", 20), (".d", 40)]:
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, (changed_at, changed_at))
    (tmp_path / "folder").mkdir()

    assert files.read(str(tmp_path), NONE).content == b"a"


def test_of_files_saved_at_once_the_last_by_name_counts(tmp_path):
    for day in ("2026-10-04", "2026-10-05", "2026-09-30"):
        (tmp_path / day).write_text(day)
        os.utime(tmp_path / day, (10, 10))

    assert files.read(str(tmp_path), NONE).content == b"2026-10-05"


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
