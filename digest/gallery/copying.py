"""Our templates of mails as files of the operator's own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from digest.errors import ConfigError
from digest.render import shipped_folder


def copy_templates(folder: Path, *, force: bool) -> Iterator[Path]:
    """Copy the templates of mails into a folder; gives each file written.

    Raises:
        ConfigError: a file is there already and *force* is not given, or cannot be written.
    """
    shipped = shipped_folder()
    pairs = [
        (path, folder / path.relative_to(shipped))
        for path in sorted((shipped / "mail").rglob("*"))
        if path.is_file()
    ]
    for _, target in pairs:
        if target.exists() and not force:
            raise ConfigError(f"{target}: exists already: give --force to write over it")
    for source, target in pairs:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        except OSError as error:
            raise ConfigError(f"{target}: cannot be written: {error.strerror}") from error
        yield target
