"""What varied picks cost in quality and give in variety, for each weight of diversity.

    python tests/bench/bench_diversity.py [--people N] [--fold N]

For the ten picks of CiteULike's and goldstandard's people: nDCG@10 (with the 95 % bootstrap
interval of its difference to no diversity), and variety = 1 - mean cosine of any two picks in the
corpus's main directions.  Then the time a choice takes beside the scores it chooses from.
"""

import argparse
import time
from dataclasses import replace
from itertools import combinations

import numpy as np
from rank_tasks import Task, citeulike, goldstandard, interval

from digest import rank
from digest.rank.picks import choose

DISCOUNT = 1 / np.log2(np.arange(2, 12))
WEIGHTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8)


def measure(name: str, task: Task) -> None:
    ranker = rank.fit(task.old)
    readers = [replace(reader, popularity=0.0) for reader in task.readers()]
    day = ranker._read(task.new)
    gain = {weight: [] for weight in WEIGHTS}
    variety = {weight: [] for weight in WEIGHTS}
    seconds, scoring, start = dict.fromkeys(WEIGHTS, 0.0), 0.0, 0
    began = time.process_time()
    for judged in ranker._judge(readers, day):
        scoring += time.process_time() - began
        part = readers[start : start + len(judged.total)]
        allowed = np.ones(judged.total.shape, dtype=np.bool_)
        for weight in WEIGHTS:
            settings = replace(rank.Settings(), diversity=weight)
            began = time.process_time()
            choices = choose(part, judged, allowed, 10, settings)
            seconds[weight] += time.process_time() - began
            for choice, wanted in zip(choices, task.wanted[start:], strict=False):
                hits = np.isin(choice.places, list(wanted))
                ideal = DISCOUNT[: min(len(wanted), 10)].sum()
                gain[weight].append((hits * DISCOUNT).sum() / ideal)
                unit = day.texts.unit[choice.places]
                alike = [unit[a] @ unit[b] for a, b in combinations(range(len(unit)), 2)]
                variety[weight].append(1.0 - np.mean(alike))
        start += len(part)
        began = time.process_time()
    each = 1000 / len(readers)
    print(
        f"\n{name}: {len(readers)} people, {len(task.new)} items, {each * scoring:.2f} ms a score"
    )
    base = np.array(gain[0.0])
    for weight in WEIGHTS:
        low, high = interval(np.array(gain[weight]) - base)
        print(
            f"  diversity {weight:.1f}  nDCG@10 {np.mean(gain[weight]):.4f}"
            f" [{low:+.4f}, {high:+.4f}]  variety {np.mean(variety[weight]):.3f}"
            f"  {each * seconds[weight]:.3f} ms a choice",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1000, help="of CiteULike")
    parser.add_argument("--fold", type=int, default=0, help="which draw of new papers and people")
    asked = parser.parse_args()
    measure("CiteULike, all likes", citeulike(0, asked.people, asked.fold))
    measure("CiteULike, three likes", citeulike(3, asked.people, asked.fold))
    measure("goldstandard, all likes", goldstandard(0, asked.fold))
    measure("goldstandard, titles", goldstandard(2, asked.fold, titles=True))


if __name__ == "__main__":
    main()
