"""A real IMAP server for the tests: Dovecot in a folder of its own, as root or as anybody."""

import imaplib
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import time
from pathlib import Path

PROGRAM = Path("/usr/sbin/dovecot")
PASSWORD = "a-secret-of-the-tests"

SETTINGS = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
auth_failure_delay = 0
auth_mechanisms = plain xoauth2
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
mail_location = maildir:{folder}/mail/%u
first_valid_uid = 0
namespace inbox {{
  inbox = yes
  mailbox Handled {{
    auto = create
  }}
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {plain_port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class Dovecot:
    """One server with as many accounts as are named; `with` starts and ends it.

    Attributes:
        plain_port: for STARTTLS; without encryption nobody may log in.
        tls_port: for TLS from the first byte.
    """

    def __init__(self, folder: Path, certificate: Path) -> None:
        self._folder = folder
        self.plain_port, self.tls_port = _free_ports(2)
        # A mail server never works as root: then as the users that its package brought.
        is_root = os.getuid() == 0
        owner = pwd.getpwnam("mail" if is_root else pwd.getpwuid(os.getuid()).pw_name)
        shutil.copy(certificate, folder / "server.pem")
        (folder / "mail").mkdir()
        if is_root:
            folder.chmod(0o755)
            os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        self._settings = folder / "dovecot.conf"
        self._settings.write_text(
            SETTINGS.format(
                folder=folder,
                internal="dovecot" if is_root else owner.pw_name,
                group="dovecot" if is_root else owner.pw_gid,
                login="dovenull" if is_root else owner.pw_name,
                password=PASSWORD,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                plain_port=self.plain_port,
                tls_port=self.tls_port,
            )
        )

    def __enter__(self) -> "Dovecot":
        self._process = subprocess.Popen([PROGRAM, "-F", "-c", self._settings])
        for _ in range(200):
            try:
                self.account("nobody").logout()
            except (OSError, imaplib.IMAP4.error):
                assert self._process.poll() is None, (self._folder / "log").read_text()
                time.sleep(0.05)
            else:
                return self
        raise AssertionError((self._folder / "log").read_text())

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)

    def account(self, name: str) -> imaplib.IMAP4_SSL:
        """Log in to an account, to put mails into it and to look at them."""
        trusting = ssl._create_unverified_context()
        box = imaplib.IMAP4_SSL("127.0.0.1", self.tls_port, ssl_context=trusting, timeout=10)
        box.login(name, PASSWORD)
        return box


def _free_ports(count: int) -> list[int]:
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports
