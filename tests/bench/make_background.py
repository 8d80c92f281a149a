"""Make digest/rank/background.tsv.gz: in how many of 100,000 items does a word stand?

    python tests/bench/make_background.py DATA

DATA is the ranking benchmark's data folder.  Only folded words and their counts go in: of
goldstandard every word of at least 3 papers; of CiteULike, whose vocabulary leaves common
words out, those that at least 20 papers show.  A word of both has the pooled share.
"""

import gzip
import sys
from collections import Counter
from pathlib import Path

from bench_data import citeulike_words, goldstandard_papers

from digest.rank.words import words

PER = 100_000
TABLE = Path(__file__).parents[2] / "digest" / "rank" / "background.tsv.gz"


def main(folder: Path) -> None:
    papers = [paper["title"] + ". " + paper["abstract"] for paper in goldstandard_papers(folder)]
    gold = Counter(word for text in papers for word in set(words(text)))
    bags = citeulike_words(folder)
    cite = Counter(word for bag in bags for word in set(words(" ".join(bag))))
    share = {word: PER * n / len(papers) for word, n in gold.items() if n >= 3}
    for word, n in cite.items():
        if word in share:
            share[word] = PER * (gold[word] + n) / (len(papers) + len(bags))
        elif n >= 20:
            share[word] = PER * n / len(bags)
    rows = [f"{word}\t{max(1, round(count))}" for word, count in sorted(share.items())]
    text = "\n".join([str(PER), *rows])
    TABLE.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
    print(f"{len(rows)} words, {TABLE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
