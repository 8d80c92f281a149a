"""Daily Digest: trending papers in each subscriber's inbox, once a day."""

__version__ = "0.1.0"
