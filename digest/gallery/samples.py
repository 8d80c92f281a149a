"""Invented readers and papers, to see mails by before there are real ones."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from digest.model import (
    Day,
    Interest,
    Item,
    Links,
    Mention,
    MentionKind,
    Ranked,
    Reason,
    ReasonKind,
    Schedule,
    Subscriber,
)

NOW = datetime(2026, 11, 21, 6, tzinfo=UTC)
EDITION = date(2026, 11, 21)
RETRIEVAL = "Retrieval and embeddings"
PROTEINS = "Protein structure"
ADA = Subscriber(
    id="0198f3c2-0001-7bbb-8ccc-0123456789ab",
    email="ada@example.org",
    name="Ada Løvelace",
    schedule=Schedule(timezone="Europe/Oslo"),
    interests=(Interest(name=RETRIEVAL), Interest(name=PROTEINS)),
)
DAY = Day(
    new_items=212,
    source_names=("arxiv-bio", "arxiv-cs", "hf"),
    failed_sources=("arxiv-bio",),
    next_digest_at=datetime(2026, 11, 22, 6, tzinfo=UTC),
)


def make_item(number: int, title: str, summary: str = "", **known: object) -> Item:
    """Make an item with the addresses that arXiv would give it; *known* overrides anything."""
    arxiv_id = f"2611.{number:05}"
    described: dict[str, Any] = {
        "keys": (f"arxiv:{arxiv_id}",),
        "eligible_at": NOW,
        "links": Links(
            page=f"https://arxiv.org/abs/{arxiv_id}", pdf=f"https://arxiv.org/pdf/{arxiv_id}"
        ),
    }
    return Item(
        id=f"item-{number}",
        title=title,
        summary=summary,
        first_seen_at=NOW,
        **(described | known),
    )


def because(kind: ReasonKind, value: str, share: float, interest: str | None = None) -> Reason:
    """Make a reason."""
    return Reason(kind=kind, value=value, share=share, interest=interest)


def make_ranked() -> list[Ranked]:
    """Make six ranked items that show whatever a mail can show, best first."""
    kinds = ReasonKind
    nested = make_item(
        1,
        "Nested Embeddings That Stay Honest When They Are Cut Short",
        "Embedding models are deployed under very different budgets. We introduce Telescope, a "
        "training scheme for Matryoshka embeddings in which every prefix of a vector is itself "
        "calibrated. On 14 retrieval benchmarks, prefixes of 64 dimensions lose 1.2 % of nDCG@10 "
        "(cf. Fig. 3), while the index shrinks by a factor of 16. Code and models are released.",
        authors=("Mira Halvorsen", "Tomás Quiroga", "Wei-Lin Zhao", "Priya Raman"),
        author_count=9,
        organisation="Nordlys Research",
        upvotes=134,
        comments=12,
        thumbnail="https://example.org/nested.png",
        votes_by_day=tuple(
            (EDITION - timedelta(days=back), votes)
            for back, votes in ((4, 8), (3, 21), (2, 30), (1, 66), (0, 134))
        ),
        links=Links(
            page="https://arxiv.org/abs/2611.00001",
            pdf="https://arxiv.org/pdf/2611.00001",
            html="https://arxiv.org/html/2611.00001",
            code="https://github.com/example/telescope",
            project="https://telescope.example.org/?a=1&b=2",
            discussion="https://huggingface.co/papers/2611.00001",
        ),
    )
    bridge = make_item(
        2,
        "A Dense Retriever Need Not Forget: Continual Indexing Without Re-Encoding",
        "Search indexes age with their encoders.",
        ai_summary="An encoder can be updated weekly without re-encoding the corpus: a small "
        "linear bridge maps old vectors to new ones and keeps 98 % of the quality.",
        authors=("Jonas Feld", "Aiko Tanabe"),
        organisation="University of Ljubljana",
        upvotes=58,
        comments=3,
    )
    lexical = make_item(
        3,
        "What Does BM25 Know That Your Encoder Does Not? A Study of 1,200 Failed Queries",
        "Lexical baselines keep winning on rare names. We study 1,200 queries on which dense "
        "encoders fail and BM25 succeeds, e.g. part numbers, gene symbols and misspelt names. "
        "Tokenisation explains 61 % of them. A two-line fix closes half of the gap.",
        authors=("Oluwaseun Adeyemi",),
        upvotes=21,
    )
    folding = make_item(
        4,
        "Folding at the Edge of Disorder: Sampling Ensembles of Disordered Proteins",
        "Structure predictors return one answer where nature has many. We present Murmur, a "
        "diffusion model over backbone torsions that samples ensembles of disordered proteins; on "
        "40 proteins with NMR data the radius of gyration is matched within 0.3 nm. Samples take "
        "seconds on one GPU.",
        authors=("Elif Kaya", "Henrik Sørensen", "María José Peña", "Ruth Adler"),
        organisation="EMBL",
        upvotes=77,
        comments=5,
    )
    chinese = make_item(
        5,
        "低资源语言的词向量对齐：一种无监督方法",
        "我们提出了一种无监督的词向量对齐方法。该方法在十二种低资源语言上优于现有方法。",
        authors=("王芳", "李明"),
        language="zh",
    )
    popular = make_item(
        6,
        "Small Models, Long Mornings: Training a 3B Assistant on One Workstation",
        "It is often assumed that assistants need clusters. We train a 3B model in nine days on "
        "one workstation with four consumer GPUs and report every mistake on the way.",
        author_count=6,
        upvotes=1412,
        comments=88,
    )
    rows = (
        (
            (nested, 0.93, RETRIEVAL),
            because(kinds.KEYWORD, "Matryoshka embeddings", 0.5, RETRIEVAL),
            because(kinds.TOPIC, "retrieval, index", 0.2, RETRIEVAL),
            because(kinds.AUTHOR, "Priya Raman", 0.1, RETRIEVAL),
            because(kinds.POPULARITY, "134", 0.1),
        ),
        (
            (bridge, 0.81, RETRIEVAL),
            because(kinds.KEYWORD, "dense retriever", 0.4, RETRIEVAL),
            because(kinds.FEEDBACK, "Late Interaction at Web Scale", 0.3, RETRIEVAL),
            because(kinds.CATEGORY, "cs.IR", 0.1, RETRIEVAL),
        ),
        (
            (folding, 0.74, PROTEINS),
            because(kinds.KEYWORD, "disordered proteins", 0.5, PROTEINS),
            because(kinds.ORGANISATION, "EMBL", 0.2, PROTEINS),
        ),
        (
            (lexical, 0.66, RETRIEVAL),
            because(kinds.TOPIC, "BM25, encoders", 0.7, RETRIEVAL),
            because(kinds.LESS_OF, "study", -0.05, RETRIEVAL),
        ),
        (
            (chinese, 0.52, PROTEINS),
            because(kinds.EXAMPLE, "Protein Words: Aligning Amino Acids With Text", 0.5, PROTEINS),
        ),
        ((popular, 0.5, None), because(kinds.POPULARITY, "1412", 0.5)),
    )
    return [
        Ranked(item=item, score=score, interest=interest, reasons=tuple(reasons))
        for (item, score, interest), *reasons in rows
    ]


def make_mentions() -> tuple[Mention, ...]:
    """Make title lines of each kind."""
    kinds = MentionKind
    most_voted = (
        ("Small Models, Long Mornings: Training a 3B Assistant on One Workstation", 1412),
        ("Everything Is a Token: One Vocabulary for Text, Sound and Touch", 903),
        ("Reward Hacking as a Spectator Sport", 611),
    )
    also_new = (
        "Sparse Readers: Retrieval Heads Attend Where It Matters",
        "Caching What Was Never Asked: Speculative Retrieval for Chat",
        "A Census of Negative Results in Representation Learning",
        "Ein Wörterbuch für Vektoren: Interpretable Axes by Construction",
        "Quantised Indexes Drift: Measuring Recall Over Two Years of Updates",
        "Torsion-Space Flow Matching for Peptide Loops",
        "البحث الدلالي في المخطوطات العربية القديمة",
        "Do Encoders Know When They Do Not Know? Abstention in Dense Search",
        "面向长文档检索的分层索引",
        "How Much Does a Benchmark Cost? Energy Accounting for Leaderboards",
    )
    return (
        *(
            Mention.of(kinds.MOST_VOTED, make_item(40 + n, title, upvotes=votes))
            for n, (title, votes) in enumerate(most_voted)
        ),
        Mention.of(
            kinds.REVISED,
            make_item(50, "Late Interaction at Web Scale", version=2),
            EDITION - timedelta(days=4),
        ),
        *(Mention.of(kinds.ALSO_NEW, make_item(60 + n, title)) for n, title in enumerate(also_new)),
    )
