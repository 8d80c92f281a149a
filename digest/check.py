"""Everything an installation needs, tried one by one: for `digest check`."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from digest.app import App
from digest.config import BounceSettings, EmbeddingSettings, Settings, smtp_password
from digest.deliver.dkim import is_aligned
from digest.deliver.published import records
from digest.deliver.smtp import SmtpTransport
from digest.errors import ConfigError, DigestError, FetchError
from digest.gallery.kinds import broken_templates
from digest.model import Validators
from digest.rankers import model_of
from digest.transports import mailbox_of, sender_domain, signer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing tried, and how it went."""

    what: str
    is_good: bool
    text: str


async def check_all(settings: Settings) -> AsyncIterator[Finding]:
    """Try the database, every source and the relay; one failing stops no other."""
    yield Finding(
        what="settings",
        is_good=True,
        text=f"{len(settings.sources)} sources, {len(settings.subscribers)} subscribers",
    )
    app = App(settings)
    try:
        app.open()
    except DigestError as error:
        yield Finding(what="database", is_good=False, text=str(error))
        return
    for name, cause in broken_templates(settings.mail).items():
        yield Finding(what="template", is_good=False, text=f"{name}: {cause}, ours is used")
    yield Finding(what="database", is_good=True, text="open, of this program's schema")
    async with app.fetcher() as fetcher:
        for source in settings.sources:
            what = f"source {source.name}"
            try:
                fetched = await fetcher.fetch(source.source(), Validators())
            except FetchError as error:
                _, _, cause = str(error).partition(": ")
                yield Finding(what=what, is_good=False, text=cause)
                continue
            count = len(fetched.listing.announcements) if fetched.listing else 0
            kind = fetched.listing.kind if fetched.listing else source.kind
            yield Finding(what=what, is_good=True, text=f"{count} items ({kind})")
    if settings.bounces:
        yield await asyncio.to_thread(_check_mailbox, settings.bounces)
    if settings.embeddings:
        yield await asyncio.to_thread(_check_model, settings.embeddings)
    if settings.deliver.to == "files":
        text = f"messages go to files in {settings.deliver.folder}"
        yield Finding(what="deliver", is_good=True, text=text)
        return
    async for finding in _check_relays(settings):
        yield finding
    for finding in _check_sender(settings):
        yield finding


def _check_mailbox(bounces: BounceSettings) -> Finding:
    try:
        return Finding(what="bounces", is_good=True, text=mailbox_of(bounces).check())
    except DigestError as error:
        return Finding(what="bounces", is_good=False, text=str(error))


def _check_model(chosen: EmbeddingSettings) -> Finding:
    try:
        model = model_of(chosen)
        numbers = model.embed(["a word"]).shape[1]
    except DigestError as error:
        return Finding(what="embeddings", is_good=False, text=str(error))
    return Finding(what="embeddings", is_good=True, text=f"{model.name}: {numbers} numbers a text")


async def _check_relays(settings: Settings) -> AsyncIterator[Finding]:
    for relay in settings.relays or (settings.smtp,):
        try:
            transport = SmtpTransport(relay, password=smtp_password(relay))
            text = await transport.check()
            await transport.close()
        except DigestError as error:
            yield Finding(what="smtp", is_good=False, text=str(error))
            continue
        yield Finding(what="smtp", is_good=True, text=text)


def _check_sender(settings: Settings) -> Iterator[Finding]:
    """Try the key, and say what must stand in the DNS; it is not asked."""
    domain = sender_domain(settings)
    try:
        signer = signer_of(settings)
    except ConfigError as error:
        yield Finding(what="dkim", is_good=False, text=str(error))
        return
    is_signed = signer is not None and is_aligned(domain, signer.domain)
    if signer is None:
        text = f"not signed here: the relay must sign for {domain}, or set [dkim]"
        yield Finding(what="dkim", is_good=True, text=text)
    elif not is_signed:
        text = f"dkim.domain {signer.domain} is not that of mail.from, {domain}: DMARC ignores it"
        yield Finding(what="dkim", is_good=False, text=text)
    else:
        text = f"signs by {signer.algorithm} for {signer.domain}, as mail.from wants it for DMARC"
        yield Finding(what="dkim", is_good=True, text=text)
    return_domain = domain
    if settings.bounces:
        return_domain = settings.bounces.address.rpartition("@")[2]
    if is_aligned(domain, return_domain):
        text = f"return paths are of {return_domain}, as mail.from wants it for DMARC"
        yield Finding(what="spf", is_good=True, text=text)
    else:
        text = f"bounces.address is of {return_domain}, mail.from of {domain}: for DMARC only"
        yield Finding(what="spf", is_good=is_signed, text=f"{text} DKIM counts")
    hosts = [relay.host for relay in settings.relays or (settings.smtp,)]
    for record in records(domain, return_domain, hosts, signer):
        yield Finding(what="publish", is_good=True, text=f"{record.purpose}:\n  {record}")
