"""Vectors of meaning, kept so that no text is embedded twice, and how each model last did."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from digest.store.database import chunks, upsert
from digest.store.schema import embedding_models, embeddings

KEPT_FOR = timedelta(days=90)
"""Longer than any window of a digest; what readers like is embedded anew after it."""


def load_vectors(connection: Connection, model: str, contents: Collection[str]) -> dict[str, bytes]:
    """Give the vectors of texts, by the names of their contents; unknown ones are left out."""
    return {
        row.content: row.vector
        for chunk in chunks(contents)
        for row in connection.execute(
            select(embeddings.c.content, embeddings.c.vector).where(
                embeddings.c.model == model, embeddings.c.content.in_(chunk)
            )
        )
    }


def save_vectors(
    connection: Connection, model: str, vectors: Mapping[str, bytes], at: datetime
) -> None:
    """Keep the vectors of texts, and forget those that are long out of use."""
    connection.execute(delete(embeddings).where(embeddings.c.at < at - KEPT_FOR))
    rows = [
        {"model": model, "content": content, "vector": vector, "at": at}
        for content, vector in sorted(vectors.items())
    ]
    if rows:
        connection.execute(upsert(connection, embeddings).on_conflict_do_nothing(), rows)


def note_model(connection: Connection, model: str, error: str | None, at: datetime) -> None:
    """Note how a model just did: *error* is None where it answered."""
    add = upsert(connection, embedding_models).values(model=model, at=at, error=error)
    connection.execute(
        add.on_conflict_do_update(
            index_elements=["model"],
            set_={"at": add.excluded.at, "error": add.excluded.error},
        )
    )


def last_error(connection: Connection) -> tuple[str, datetime] | None:
    """Give what the model used last complained of, and when; None if it answered."""
    newest = connection.execute(
        select(embedding_models).order_by(embedding_models.c.at.desc()).limit(1)
    ).first()
    return (newest.error, newest.at) if newest and newest.error else None
