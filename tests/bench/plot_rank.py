"""Draw the plots of docs/ranking.md from what the benches of ranking wrote.

    python tests/bench/plot_rank.py QUALITY.json SCALE.json

QUALITY.json is bench_rank.py's, of tasks that differ in the number of likes; of `items-likes`
alone, the cost alone is drawn.  SCALE.json is bench_rank_scale.py's.  Needs matplotlib, the
extra `dev`.
"""

import json
import sys
from pathlib import Path

import matplotlib as mpl
from bench_rank import BASE, OURS
from matplotlib import pyplot as plt

DOCS = Path(__file__).parents[2] / "docs"
PANELS = {"items": "CiteULike", "digest": "goldstandard"}
COLOURS = {OURS: "#b3261e", BASE: "#1f5fa8", "Scholar Inbox": "#5b7f2b", "BM25": "#8a6d1d"}
COLOURS |= {"zotero-arxiv-daily": "#7a4a9e", "Rocchio": "#6b6b6b"}
# Searchable text, no time and no random names: drawn twice, an image is the same.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "rank", "font.size": 9})


def main(quality: Path, scale: Path) -> None:
    reports = json.loads(quality.read_text("utf-8"))
    if len(reports) > 1:
        draw_quality(reports)
    measured = next(r["methods"] for r in reports if r["task"] == "items-likes")
    draw_cost(json.loads(scale.read_text("utf-8")), measured[BASE])


def draw_quality(reports: list[dict]) -> None:
    """nDCG@10 against the number of likes, one panel a data set."""
    figure, panels = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for panel, (data, title) in zip(panels, PANELS.items(), strict=True):
        found = {likes(r): r["methods"] for r in reports if r["task"].startswith(f"{data}-")}
        found.pop("titles", None)
        order = sorted(found, key=lambda text: int(text) if text.isdigit() else 10**6)
        for method, colour in COLOURS.items():
            shown = [n for n, text in enumerate(order) if method in found[text]]
            if not shown:
                continue
            values = [found[order[n]][method]["nDCG@10"] for n in shown]
            width = 2.2 if method == OURS else 1.2
            panel.plot(shown, values, "o-", color=colour, label=method, linewidth=width, ms=3.5)
        panel.set_xticks(range(len(order)), order)
        panel.set(title=title, xlabel="likes", ylabel="nDCG@10", ylim=(0, None))
        panel.grid(alpha=0.3)
    panels[0].legend(loc="lower right", fontsize=7.5)
    save(figure, "ranking-quality.svg")


def draw_cost(rows: list[dict], base: dict) -> None:
    """Seconds of the processor against subscribers; of the base, which asks for days, a line."""
    figure, panel = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
    counts = [row["subscribers"] for row in rows]

    def of_each(name: str) -> list[float]:
        return [row[name] * n / 1e6 for row, n in zip(rows, counts, strict=True)]

    lines = {
        f"{BASE}, {base['ms']:.0f} ms each": (
            COLOURS[BASE],
            [base["ms"] * n / 1e3 for n in counts],
        ),
        f"the same with one thread, {base['ms_one_thread']:.0f} ms each": (
            "#7fa8d6",
            [base["ms_one_thread"] * n / 1e3 for n in counts],
        ),
        f"{OURS}: top 20 with reasons, first day": ("#e0857d", of_each("fresh_us")),
        f"{OURS}: profiles kept": (COLOURS[OURS], of_each("us")),
        "bare matrix product": ("#6b6b6b", of_each("bare_us")),
    }
    for label, (colour, seconds) in lines.items():
        panel.loglog(counts, seconds, "o-", color=colour, label=label, ms=3.5)
    panel.set(xlabel="subscribers", ylabel="seconds of the processor", title="a day of new items")
    panel.grid(alpha=0.3, which="both")
    panel.legend(fontsize=7.5)
    save(figure, "ranking-cost.svg")


def likes(report: dict) -> str:
    kind = report["task"].split("-")[1]
    return kind.removeprefix("few") if kind.startswith("few") else {"likes": "all"}.get(kind, kind)


def save(figure: plt.Figure, name: str) -> None:
    figure.savefig(DOCS / name, metadata={"Date": None})
    print(f"wrote docs/{name}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
