"""The shipped document frequencies: what is a rare word when the corpus is still small."""

import gzip
from functools import cache
from importlib.resources import files


@cache
def background_frequencies() -> tuple[int, dict[str, int]]:
    """Read the table: how many items it stands for, and items by folded word.

    `tests/bench/make_background.py` makes it; docs/ranking.md says from what.
    """
    table = files("digest.rank").joinpath("background.tsv.gz").read_bytes()
    total, *rows = gzip.decompress(table).decode("utf-8").splitlines()
    pairs = (row.split("\t") for row in rows)
    return int(total), {word: int(count) for word, count in pairs}
