"""The gallery of mails: what it shows, to whom, and that it follows the files."""

import http.client
import json
import threading
from pathlib import Path

import pytest

from digest.config import MailSettings
from digest.errors import ConfigError
from digest.gallery.copying import copy_templates
from digest.gallery.kinds import broken_templates, exhibits
from digest.gallery.server import Show, make_server
from digest.model import DeliveryKind
from digest.render import Templates, shipped_folder

MAIL = MailSettings()
KINDS = ["digest", "pictures", "short", "weekly", "thin-day", "catch-up", "sources-down"]
NOTICES = [kind.value for kind in DeliveryKind if kind is not DeliveryKind.DIGEST]


def write(folder: Path, name: str, text: str) -> None:
    (folder / "mail").mkdir(exist_ok=True)
    (folder / "mail" / name).write_text(text)


@pytest.fixture
def show(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    write(folder, "reason.txt", "{{ words }}")
    return Show(lambda: list(exhibits(MAIL, Templates(folder))), [folder])


@pytest.fixture
def ask(show):
    with make_server(show, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

        def ask(path: str, host: str = "") -> tuple[http.client.HTTPResponse, str]:
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
            name = host or f"127.0.0.1:{server.server_port}"
            connection.request("GET", path, headers={"Host": name})
            answer = connection.getresponse()
            body = answer.read().decode()
            connection.close()
            return answer, body

        yield ask
        server.shutdown()


def test_every_kind_of_mail_is_shown():
    shown = [one.name for one in exhibits(MAIL, Templates())]

    assert shown == [*KINDS, *NOTICES]


def test_page_lists_the_mails_and_each_can_be_seen_in_three_ways(ask):
    _, state = ask("/state.json")
    first = json.loads(state)["exhibits"][0]

    html, text, source = (ask(f"/{first['name']}.{ending}")[1] for ending in ("html", "txt", "eml"))

    assert first["subject"].startswith("Sat 21 Nov · Nested Embeddings")
    assert html.startswith("<!DOCTYPE html>")
    assert text.startswith("DAILY DIGEST")
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in source
    assert "state.json" in ask("/")[1]


def test_mail_is_shown_dark_whatever_the_browser_prefers(ask):
    answer, dark = ask("/short.html?scheme=dark")

    assert "@media all" in dark
    assert "@media not all" in ask("/short.html?scheme=light")[1]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_changed_template_changes_what_is_shown(ask, tmp_path):
    _, before = ask("/state.json")

    write(tmp_path / "own", "opening.txt", "Changed by hand")

    assert json.loads(ask("/state.json")[1])["stamp"] != json.loads(before)["stamp"]
    assert "Changed by hand" in ask("/digest.txt")[1]


def test_wrong_setting_is_told_and_the_last_mails_stay(ask, show, tmp_path):
    ask("/state.json")

    def fail():
        raise ConfigError("config: mail.accent: expected a colour")

    show._build = fail
    write(tmp_path / "own", "opening.txt", "Changed by hand")

    state = json.loads(ask("/state.json")[1])
    assert state["error"] == "config: mail.accent: expected a colour"
    assert len(state["exhibits"]) == len(KINDS) + len(NOTICES)


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        pytest.param("/no-such.html", "", 404, id="unknown mail"),
        pytest.param("/../pyproject.toml", "", 404, id="a file beside"),
        pytest.param("/", "evil.example", 421, id="another name for this machine"),
    ],
)
def test_nothing_else_is_answered(ask, path, host, status):
    assert ask(path, host)[0].status == status


def test_templates_are_copied_once(tmp_path):
    copied = list(copy_templates(tmp_path, force=False))

    assert tmp_path / "mail" / "locale" / "zh.po" in copied
    style = "mail/style.css"
    assert (tmp_path / style).read_bytes() == (shipped_folder() / style).read_bytes()
    assert broken_templates(MailSettings(templates=tmp_path)) == {}
    with pytest.raises(ConfigError, match="exists already"):
        list(copy_templates(tmp_path, force=False))


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        pytest.param("item.html", "{{ no_such_word }}", "no_such_word", id="unknown word"),
        pytest.param("left_out.html", "{% if %}", "Expected an expression", id="never shown here"),
        pytest.param(
            "item.txt", "{{ ''.__class__.__mro__ }}", "unsafe", id="reaching out of the sandbox"
        ),
    ],
)
def test_broken_template_of_the_operator_is_found(tmp_path, name, text, cause):
    write(tmp_path, name, text)

    broken = broken_templates(MailSettings(templates=tmp_path))

    assert list(broken) == [f"mail/{name}"]
    assert cause in broken[f"mail/{name}"]


def test_missing_folder_is_found(tmp_path):
    folder = tmp_path / "gone"

    assert broken_templates(MailSettings(templates=folder)) == {str(folder): "no such folder"}
