"""What JSON shows of our values keeps the names of their parts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from digest.named import named


class Part(NamedTuple):
    code: int
    days: frozenset[int]


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    by_name: Mapping[str, Part]


def test_names_are_kept_at_any_depth():
    one = Part(250, frozenset({1}))
    shown = {"code": 250, "days": frozenset({1})}

    assert named([Whole((one,), {"a": one}), Part]) == [
        {"parts": [shown], "by_name": {"a": shown}},
        Part,
    ]
