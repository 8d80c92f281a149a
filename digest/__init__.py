"""Daily Digest: trending papers in each subscriber's inbox, once a day."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("daily-digest")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0"
