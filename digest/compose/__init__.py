"""The third stage: ranked items to a digest, and a digest to the bytes of a mail."""
