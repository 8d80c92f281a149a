"""The works of a library as examples of an interest: by id where that is known, else by title."""

from collections.abc import Collection

from digest.fetch.bibliography import Library
from digest.identity import keys
from digest.model import Announcement


def own_keys(work: Announcement) -> list[str]:
    """Give the keys under which any source would announce a work."""
    return [key for key in work.keys if key.startswith(("arxiv:", "doi:"))]


def wanted_keys(library: Library) -> set[str]:
    """Give the keys of a library's works that the store may know."""
    return {key for work in library.works for key in own_keys(work)}


def example(work: Announcement, stored: Collection[str]) -> str:
    """Name a work by the id under which the store knows it, else by its title.

    A title is an example by itself; an id that nobody has announced yet says nothing.
    """
    known = next((key for key in own_keys(work) if key in stored), None)
    has_page = any(not key.startswith("title:") for key in keys(link=work.title, title=work.title))
    return known or (work.keys[0] if has_page else work.title)
