"""Puts together what takes messages over: relays, signature and pace, as the settings say."""

import time
from collections.abc import Callable
from email.utils import parseaddr
from pathlib import Path

from digest.config import BounceSettings, Settings, imap_password, smtp_password, web_keys
from digest.deliver.dkim import SignedTransport, Signer
from digest.deliver.file import FileTransport
from digest.deliver.maildir import Maildir
from digest.deliver.pace import Limits, Pace
from digest.deliver.relays import Relays
from digest.deliver.returns import ReturningTransport, ReturnPaths
from digest.deliver.smtp import SmtpTransport
from digest.errors import ConfigError
from digest.protocols import Mailbox, Transport


def transport_of(settings: Settings) -> Transport:
    """Make the transport of an installation; it belongs to one event loop.

    Raises:
        ConfigError: a password, key or certificate file cannot be read.
    """
    deliver = settings.deliver
    if deliver.to == "files":
        return FileTransport(deliver.folder)
    transport = _relays(settings)
    if signer := signer_of(settings):
        # The last to see a message, but for the pace, which does not look into it.
        transport = SignedTransport(transport, [signer])
    if paths := return_paths_of(settings):
        transport = ReturningTransport(transport, paths)
    limits = Limits(
        per_second=deliver.per_second,
        domain_per_second=deliver.domain_per_second,
        domain_at_once=deliver.domain_connections,
    )
    return transport if limits == Limits() else Pace(transport, limits, clock=time.monotonic)


def signer_of(settings: Settings) -> Signer | None:
    """Read the key that signs messages; None where the relay does that.

    Raises:
        ConfigError: the file cannot be read, or holds no key that fits.
    """
    dkim = settings.dkim
    if dkim is None:
        return None
    try:
        pem = dkim.key_file.read_bytes()
    except OSError as error:
        raise ConfigError(f"dkim.key_file: {dkim.key_file}: {error.strerror}") from error
    return Signer.from_pem(pem, domain=dkim.domain, selector=dkim.selector)


def return_paths_of(settings: Settings) -> ReturnPaths | None:
    """Give what signs return paths; None where nobody reads what comes back.

    Raises:
        ConfigError: the key cannot be read.
    """
    bounces = settings.bounces
    return ReturnPaths(bounces.address, web_keys(settings.web)) if bounces else None


def mailbox_of(bounces: BounceSettings) -> Mailbox:
    """Give the mailbox that mail comes back to.

    Raises:
        ConfigError: a password file cannot be read.
    """
    if bounces.imap is None:
        return Maildir(bounces.maildir or Path())
    # A twentieth of a second that no other command should pay for.
    from digest.deliver.imap import ImapMailbox

    return ImapMailbox(bounces.imap, imap_password(bounces.imap))


def leaving_of(settings: Settings) -> Callable[[str], str] | None:
    """Give what makes a reader's own address to unsubscribe at; None where we read no mail.

    An address of the operator's own choice, outside the mailbox that we read, stands.

    Raises:
        ConfigError: the key cannot be read.
    """
    paths, bounces = return_paths_of(settings), settings.bounces
    elsewhere = settings.mail.unsubscribe
    if not (paths and bounces) or (elsewhere and elsewhere.lower() != bounces.address.lower()):
        return None
    return paths.leaving


def sender_domain(settings: Settings) -> str:
    """Give the domain that mail speaks for."""
    return parseaddr(settings.mail.sender)[1].rpartition("@")[2]


def _relays(settings: Settings) -> Transport:
    if not settings.relays:
        return SmtpTransport(settings.smtp, password=smtp_password(settings.smtp))
    shares = [
        (SmtpTransport(relay, password=smtp_password(relay)), relay.weight)
        for relay in settings.relays
    ]
    return Relays(shares, clock=time.monotonic)
