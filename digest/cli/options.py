"""The options that every command shares, and what they open."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # the real imports happen when a command runs
    from collections.abc import Mapping, Sequence

    from digest.app import App
    from digest.config import Settings
    from digest.model import Source

USUAL_FILES = (Path("config.toml"), Path("/etc/digest/config.toml"))

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What stood before the command."""

    config: Path | None
    debug: bool

    @property
    def path(self) -> Path:
        """Give the settings file: the named one, or the first usual one that exists."""
        if self.config:
            return self.config
        return next((path for path in USUAL_FILES if path.exists()), USUAL_FILES[0])

    def settings(self) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: a key is wrong, or there is no file.
        """
        from digest.config_file import load_settings

        return load_settings(self.path)

    def settings_or_usual(self) -> Settings:
        """Read the settings; the usual ones where there is no file yet.

        Raises:
            ConfigError: a key is wrong.
        """
        from digest.config import Settings

        return self.settings() if self.config or self.path.exists() else Settings()

    def app(self) -> App:
        """Open the installation: settings, logs, database, with the file's content stored.

        Raises:
            ConfigError: a key is wrong; StoreError: the database is not usable.
        """
        from digest.app import App
        from digest.logs import start_logs

        settings = self.settings()
        start_logs(
            "debug" if self.debug else settings.service.log_level, settings.service.log_format
        )
        app = App(settings)
        app.open()
        return app

    def source_or(
        self, what: str, *, kind: str, private_network: bool, where: Mapping[str, str]
    ) -> Source:
        """Give the configured source of that name, else one made of an address or a file.

        Args:
            where: field -> expression, as in a source's mapping or selectors.

        Raises:
            ConfigError: a field of *where* is not known, or the kind takes none.
        """
        from pydantic import ValidationError

        from digest.config import SourceSettings
        from digest.errors import ConfigError
        from digest.model import Source

        if self.path.exists():
            for source in self.settings().sources:
                if source.name == what:
                    return source.source()
        if not where:
            return Source(name="trial", url=what, kind=kind, private_network=private_network)
        given = {"name": "trial", "url": what, "kind": kind, "private_network": private_network}
        table = {"selectors" if kind == "page" else "mapping": where}
        try:
            return SourceSettings.model_validate(given | table).source()
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"][1:])
            cause = "unknown field" if first["type"] == "extra_forbidden" else first["msg"]
            raise ConfigError(f"--map: {field or kind}: {cause}") from error


def read_where(given: Sequence[str] | None) -> dict[str, str]:
    """Read FIELD=WHERE words.

    Raises:
        BadParameter: one holds no "=".
    """
    pairs = [word.partition("=") for word in given or ()]
    for field, sign, _ in pairs:
        if not sign:
            raise typer.BadParameter(f'expected FIELD=WHERE, got "{field}"')
    return {field.strip(): where.strip() for field, _, where in pairs}


def options(context: typer.Context) -> Options:
    """Give the shared options of a running command."""
    shared = context.find_object(Options)
    return shared or Options(config=None, debug=False)
