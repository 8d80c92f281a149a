"""A library of papers in a form: BibTeX, or what else reference managers export.

Pasted among the examples or uploaded; it is read in a sandbox, never by the pages themselves.
"""

import logging
import re
from collections.abc import Sequence

from starlette.datastructures import FormData, UploadFile

from digest.errors import DigestError
from digest.web.forms import MOST_LINES, text_of
from digest.web.site import Site

logger = logging.getLogger(__name__)

# What a form may carry of it; guard.py bounds the whole body.
LIBRARY_BYTES = 200 * 1024
BIBTEX = re.compile(r"^\s*@\s*[A-Za-z]+\s*[{(]", re.MULTILINE)


async def split_library(fields: FormData) -> tuple[FormData, bytes]:
    """Take a library out of a form; b"" = there is none.

    A file that was chosen counts for more than BibTeX pasted among the examples.
    """
    files = [one for one in fields.getlist("library") if isinstance(one, UploadFile)]
    content = await files[0].read(LIBRARY_BYTES) if files else b""
    pasted = text_of(fields, "examples")
    is_bibtex = bool(BIBTEX.search(pasted))
    if is_bibtex and not content:
        content = pasted.encode(errors="replace")[:LIBRARY_BYTES]
    dropped = {"library", "examples"} if is_bibtex else {"library"}
    kept = [(name, value) for name, value in fields.multi_items() if name not in dropped]
    return FormData(kept), content


def with_examples(fields: FormData, examples: Sequence[str]) -> FormData:
    """Add examples to those of a form."""
    lines = [*text_of(fields, "examples").splitlines(), *examples]
    kept = [(name, value) for name, value in fields.multi_items() if name != "examples"]
    return FormData([*kept, ("examples", "\n".join(lines))])


async def examples_of(site: Site, content: bytes) -> Sequence[str]:
    """Give a library's works as examples; none of one that cannot be read."""
    if not content.strip():
        return ()
    try:
        return (await site.read_library(content))[:MOST_LINES]
    except DigestError as error:
        logger.info("library of a form not read: %s", str(error)[:80])
        return ()
