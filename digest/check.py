"""Everything an installation needs, tried one by one: for `digest check`."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from digest.app import App
from digest.config import Settings
from digest.deliver.smtp import SmtpTransport
from digest.errors import DigestError, FetchError
from digest.model import Validators


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
    async with app.transport() as transport:
        if not isinstance(transport, SmtpTransport):
            text = f"messages go to files in {settings.deliver.folder}"
            yield Finding(what="deliver", is_good=True, text=text)
            return
        try:
            yield Finding(what="smtp", is_good=True, text=await transport.check())
        except DigestError as error:
            yield Finding(what="smtp", is_good=False, text=str(error))
