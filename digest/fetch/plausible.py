"""Whether a listing can be believed: a page that was cut, changed or swapped shows too little.

Pure.  It is asked when a document was read without an error and its source's habits are known.
"""

from datetime import date

from digest.errors import ParseError
from digest.fetch import arxiv_days
from digest.fetch.files import is_file
from digest.model import Listing, Source

# A listing below this share of the usual count is thin.
THIN_SHARE = 3
# Sources that usually show fewer vary by more than a share can tell.
MIN_USUAL_COUNT = 9
# A listing that stays thin for so many checks is how its source is now.
BELIEVED_AFTER = 5
SATURDAY = 5


def check_plausible(
    listing: Listing, source: Source, usual_count: int | None, failures: int, today: date
) -> None:
    """Refuse a listing far below its source's usual count on a day that should not be thin.

    Args:
        usual_count: of a listing of this source, None where none was read yet.
        failures: failed checks in a row before this one.
        today: the day (UTC) of the fetch.

    Raises:
        ParseError: it is implausible; what is stored should stay.
    """
    count = len(listing.announcements)
    if usual_count is None or usual_count < MIN_USUAL_COUNT or count * THIN_SHARE >= usual_count:
        return
    # Saved files are as long as whoever saved them wished.
    if is_file(source.url) or failures >= BELIEVED_AFTER:
        return
    day = listing.shown_on or today
    # The Hub's day fills up until its end.
    is_still_filling = listing.kind == "huggingface" and count and listing.shown_on == today
    if is_still_filling or may_be_thin(listing, day):
        return
    raise ParseError(
        f"expected about {usual_count} items as usual, got {count} for {day}: page changed or cut?",
        source=source.name,
    )


def may_be_thin(listing: Listing, day: date) -> bool:
    """Say whether few or no items are no wonder on a day: weekends, holidays, days it skips."""
    if day.weekday() in listing.skip_weekdays:
        return True
    match listing.kind:
        case "arxiv":
            return arxiv_days.is_quiet(day)
        case "huggingface":
            return day.weekday() >= SATURDAY
        case _:
            return False
