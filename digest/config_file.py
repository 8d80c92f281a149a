"""The settings file: read, checked, and every wrong key named with its line.

Knows TOML, the environment and pydantic's errors; says nothing of what a setting means.
"""

import difflib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from digest.config import (
    ENVIRONMENT_PREFIX,
    BounceSettings,
    DatabaseSettings,
    Settings,
    SourceSettings,
)
from digest.errors import ConfigError

SECRET_KEYS = frozenset({"password", "secret_key", "admin_token"})
# A table header, and a key at the beginning of a line, of TOML.
TOML_HEADER = re.compile(r"^\s*(\[\[?)\s*([\w. \"'-]+?)\s*\]\]?\s*(?:#.*)?$")
TOML_KEY = re.compile(r"^\s*([\w-]+)\s*[=.]")

KeyPath = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


def load_settings(path: Path) -> Settings:
    """Read the settings file and the environment; relative paths mean the file's folder.

    Raises:
        ConfigError: a line a problem: no such file, not TOML, a wrong or unknown key, an
            unreadable secret file.
    """
    try:
        content = path.read_text(encoding="utf-8")
        table = tomllib.loads(content)
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: no such file: write one with "digest init"') from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    _refuse_unknown_environment()
    try:
        settings = Settings(**table)
    except ValidationError as error:
        lines = key_lines(content)
        raise ConfigError(
            "\n".join(_problem(path, lines, problem) for problem in error.errors())
        ) from error
    except TypeError as error:
        raise ConfigError(f"{path}: {error}") from error
    return _anchored(settings, path.resolve().parent)


def replace_settings(path: Path, content: str, mode: int) -> Settings:
    """Write the settings file and give what it says; if it is wrong, nothing changes.

    Args:
        mode: who may read it, as of `chmod`.

    Raises:
        ConfigError: the file cannot be written, or is wrong with this content.
    """
    trial = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        trial.touch(mode=mode)
        trial.chmod(mode)
        trial.write_text(content, encoding="utf-8")
        settings = load_settings(trial)
        trial.replace(path)
    except ConfigError as error:
        raise ConfigError(str(error).replace(trial.name, path.name)) from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        trial.unlink(missing_ok=True)
    return settings


def key_lines(content: str) -> dict[KeyPath, int]:
    """Map each table and key of a TOML text to its line, counted from 1.

    Array tables carry their index: `("sources", 0, "url")`.  Keys of inline tables are not
    listed; who looks one up takes the line of the nearest key above it.
    """
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        if header := TOML_HEADER.match(line):
            names = [name.strip().strip("\"'") for name in header[2].split(".")]
            table = _table_path(names, counts, is_array=header[1] == "[[")
            lines.setdefault(table, number)
        elif key := TOML_KEY.match(line):
            lines.setdefault((*table, key[1]), number)
    return lines


def _table_path(names: list[str], counts: dict[KeyPath, int], *, is_array: bool) -> KeyPath:
    path: KeyPath = ()
    for depth, name in enumerate(names):
        path = (*path, name)
        if is_array and depth == len(names) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _problem(path: Path, lines: Mapping[KeyPath, int], error: ErrorDetails) -> str:
    key: KeyPath = error["loc"]
    name = ".".join(str(part) for part in key if not _is_branch(part))
    where = _where(path, lines, key)
    message = _expectation(error)
    return f"{where}: {name}: {message}" if name else f"{where}: {message}"


def _is_branch(part: str | int) -> bool:
    # pydantic names the branch of a union in the location: constrained-int, literal['skip',...]
    return isinstance(part, str) and ("[" in part or part.startswith(("constrained-", "function-")))


def _where(path: Path, lines: Mapping[KeyPath, int], key: KeyPath) -> str:
    variable = ENVIRONMENT_PREFIX + "__".join(str(part).upper() for part in key)
    if variable in os.environ or variable.split("__")[0] in os.environ:
        return f"environment {variable}"
    near = next((lines[key[:end]] for end in range(len(key), 0, -1) if key[:end] in lines), None)
    return f"{path.name} line {near}" if near else path.name


def _expectation(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown key{_suggestion(error['loc'])}"
    if error["type"] == "missing":
        return "required, but not there"
    if error["type"] in ("int_parsing", "int_type", "greater_than_equal", "less_than_equal"):
        message = f"expected a number{_range(error['loc'])}"
    else:
        message = re.sub(r"^(Input|String) should ", "expected ", error["msg"])
        message = message.replace("expected be ", "expected ").removeprefix("Value error, ")
    found = error["input"]
    if isinstance(found, str | int | float) and error["loc"][-1:] not in [
        (key,) for key in SECRET_KEYS
    ]:
        return f"{message}, got {json.dumps(found, ensure_ascii=False)}"
    return message


def _range(key: KeyPath) -> str:
    field = _field(key)
    bounds = {type(bound): bound for bound in field.metadata} if field else {}
    low, high = bounds.get(Ge) or bounds.get(Gt), bounds.get(Le)
    if isinstance(low, Ge) and isinstance(high, Le):
        return f" from {low.ge} to {high.le}"
    if isinstance(low, Ge):
        return f" of at least {low.ge}"
    return ""


def _suggestion(key: KeyPath) -> str:
    group = _group(key)
    names = [field.alias or name for name, field in group.model_fields.items()]
    near = difflib.get_close_matches(str(key[-1]), names, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _field(key: KeyPath) -> FieldInfo | None:
    names = [part for part in key if isinstance(part, str) and not _is_branch(part)]
    return _group(tuple(names)).model_fields.get(names[-1]) if names else None


def _group(key: KeyPath) -> type[BaseModel]:
    """Give the settings class that the last part of a key belongs to."""
    group: type[BaseModel] = Settings
    for part in key[:-1]:
        field = group.model_fields.get(str(part))
        annotation = field.annotation if field else None
        for candidate in (annotation, *getattr(annotation, "__args__", ())):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                group = candidate
                break
    return group


def _refuse_unknown_environment() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for variable in sorted(os.environ):
        group, nested, _ = variable.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if variable.startswith(ENVIRONMENT_PREFIX) and nested and group not in known:
            raise ConfigError(f"environment {variable}: unknown group {group.lower()}")


def _anchored(settings: Settings, folder: Path) -> Settings:
    def anchor(path: Path | None) -> Path | None:
        return None if path is None else folder / os.path.expandvars(path.expanduser())

    def anchored(group: Model, *names: str) -> Model:
        return group.model_copy(update={name: anchor(getattr(group, name)) for name in names})

    def anchored_bounces(bounces: BounceSettings) -> BounceSettings:
        imap = bounces.imap and anchored(bounces.imap, "password_file", "ca_file")
        return anchored(bounces, "maildir").model_copy(update={"imap": imap})

    files_of_relay = ("password_file", "ca_file", "socket")
    return settings.model_copy(
        update={
            "database": DatabaseSettings(url=_anchored_database(settings.database.url, folder)),
            "deliver": anchored(settings.deliver, "folder"),
            "smtp": anchored(settings.smtp, *files_of_relay),
            "relays": tuple(anchored(relay, *files_of_relay) for relay in settings.relays),
            "dkim": settings.dkim and anchored(settings.dkim, "key_file"),
            "bounces": settings.bounces and anchored_bounces(settings.bounces),
            "web": anchored(settings.web, "secret_key_file", "admin_token_file"),
            "mail": anchored(settings.mail, "templates"),
            "sources": tuple(_anchored_sources(settings.sources, folder)),
        }
    )


def _anchored_database(url: str, folder: Path) -> str:
    prefix = "sqlite:///"
    path = url.removeprefix(prefix)
    if not url.startswith(prefix) or not path or path == ":memory:":
        return url
    return prefix + str(folder / os.path.expandvars(Path(path).expanduser()))


def _anchored_sources(sources: Iterable[SourceSettings], folder: Path) -> Iterable[SourceSettings]:
    for source in sources:
        if "://" in source.url:
            yield source
        else:
            yield source.model_copy(update={"url": str(folder / Path(source.url).expanduser())})
