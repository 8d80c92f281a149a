"""The truth in tables: sources, items, subscribers, digests and the outbox.

Every function takes a `Connection` first and runs inside its caller's transaction; a batch
goes in, a batch comes out, in few statements whatever its size.  One file a noun.
"""
