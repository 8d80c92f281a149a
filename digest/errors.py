"""Every error this program raises on purpose: one tree, fields instead of strings.

A message reads *what: which: cause, what to do*.  `permanent` says whether trying the same
again is useless; the retry policies read that field and never the text.
"""

from datetime import timedelta


class DigestError(Exception):
    """The root: whatever the command line shows as one sentence, without a traceback."""

    permanent = True

    def __reduce__(self) -> tuple[object, ...]:
        """Let an error travel between processes, whatever its fields are."""
        return _revived, (type(self), self.args, self.__dict__)


def _revived(
    kind: type[DigestError], args: tuple[object, ...], fields: dict[str, object]
) -> DigestError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    return error


class ConfigError(DigestError):
    """A setting is missing, unknown or wrong; the program does not start (exit code 2)."""


class StoreError(DigestError):
    """The database refused: locked, full, out of reach, or of another schema version.

    Args:
        permanent: False where the same call may succeed later (locked, connection lost).
    """

    def __init__(self, message: str, *, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


class EmbeddingError(DigestError):
    """The embedding model did not answer as it should; ranking goes on without it."""

    permanent = False


class FetchError(DigestError):
    """A source could not be read: network, HTTP status, guard, size or time limit.

    Args:
        message: the cause alone; the source's name is put before it by `__str__`.
        source: name of the source, "" until it is known.
        permanent: True where the next check would fail likewise (404, refused address).
        retry_after: what the server asked for, None if it did not.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str = "",
        permanent: bool = False,
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.source = source
        self.permanent = permanent
        self.retry_after = retry_after

    def __str__(self) -> str:
        cause = super().__str__()
        return f"fetch {self.source}: {cause}" if self.source else cause


class ParseError(FetchError):
    """A document arrived whole but is not the listing that its source's kind promises."""

    def __str__(self) -> str:
        cause = DigestError.__str__(self)
        return f"parse {self.source}: {cause}" if self.source else cause


class EmptyPageError(ParseError):
    """A page is empty although its listing goes on: it is worth asking again at once."""


class GoneError(FetchError):
    """The server says that the address is gone for good (HTTP 410)."""


class RenderError(DigestError):
    """A template is missing or broken."""


class LinkError(DigestError):
    """A signed link is forged, expired, or was made for something else."""


class NotFoundError(DigestError):
    """What a page was asked for is not there."""


class TransportError(DigestError):
    """The relay as a whole is unusable now: no connection, no TLS, login refused.

    It never says anything about one recipient; that is a `Reply`.

    Args:
        permanent: True where only the operator can help (certificate, login, wrong port).
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
