"""Read the ranking benchmark's data: real people, what they liked, and the papers' words."""

import gzip
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).parents[2] / ".." / "shared" / "bench" / "rank" / "data"


def goldstandard_papers(folder: Path = DATA) -> list[dict]:
    """Papers of 58 researchers: id, title, abstract, year."""
    return [json.loads(row) for row in read_lines(folder / "goldstandard/papers.jsonl.gz")]


def goldstandard_publications(folder: Path = DATA) -> dict[str, list[str]]:
    """Paper ids of each researcher."""
    return json.loads("".join(read_lines(folder / "goldstandard/publications.json.gz")))[
        "publications"
    ]


def citeulike_words(folder: Path = DATA) -> list[list[str]]:
    """Words of each paper, as often as counted."""
    vocabulary = read_lines(folder / "citeulike-t/vocabulary.dat.gz")
    bags = []
    for row in read_lines(folder / "citeulike-t/mult.dat.gz"):
        counts = (pair.split(":") for pair in row.split()[1:])
        bags.append([vocabulary[int(word)] for word, n in counts for _ in range(int(n))])
    return bags


def citeulike_libraries(folder: Path = DATA) -> list[np.ndarray]:
    """Paper numbers that each person saved."""
    rows = read_lines(folder / "citeulike-t/users.dat.gz")
    return [np.array(row.split()[1:], dtype=int) for row in rows]


def read_lines(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()
