"""The first stage: bytes of a source to a Listing, and what is new in it against the store."""
