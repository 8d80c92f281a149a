"""Texts to vectors of meaning: a model in a local folder, or one behind an HTTP endpoint.

Both are an `EmbeddingModel` (protocols.py).  Nothing here knows what the vectors are for.
"""
