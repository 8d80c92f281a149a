"""Our values with the names of their parts, as JSON shows them."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass


def named(value: object) -> object:
    """Give a value whose dataclasses and named tuples are mappings, however deep they stand."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: named(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {key: named(part) for key, part in value.items()}
    if isinstance(value, tuple) and (names := getattr(value, "_fields", None)):
        return {name: named(part) for name, part in zip(names, value, strict=True)}
    if isinstance(value, list | tuple):
        return [named(part) for part in value]
    return value
