"""What likeness speaks for each item, and against it: from what readers like and dislike.

Shapes: P profiles of m readers, n items of the day.
"""

import numpy as np

from digest.model import Described
from digest.rank.day import Day
from digest.rank.kernel import Kernel
from digest.rank.making import Made
from digest.rank.meaning import Meaning
from digest.rank.settings import Settings
from digest.rank.texts import Floats

SLOPE = 0.35  # evidence of one deviation of likeness, so that three are about a keyword
ORDINARY = 1.0  # deviations up to which likeness is chance
FAINT = 1e-4  # what likeness below chance counts, for the order alone


def learn(
    made: Made,
    day: Day,
    kernel: Kernel,
    settings: Settings,
    meaning: Meaning,
) -> tuple[Floats, Floats | None]:
    """Say what likeness adds, and what disliked items take away: [P, n] each.

    Returns:
        Both at least 0, but that what is added may lie a hair below, for the order alone; for
        the second None, where nobody dislikes anything.
    """
    likeness = kernel.likeness(made.blend, day.texts, day.beside)
    if meaning.weight:
        likeness = meaning.blend(
            likeness, [_texts(made, p) for p in range(len(made.profiles))], day.items
        )
    likeness[np.diff(made.seeds.ends) == 0] = 0.0
    likeness -= ORDINARY
    learned = FAINT * likeness
    likeness *= SLOPE
    np.maximum(learned, likeness, out=learned)
    return learned, _against(made, day, kernel, settings)


def _texts(made: Made, profile: int) -> list[tuple[Described | str, float]]:
    where = made.said(profile)
    counts = made.seeds.counts[where].tolist()
    return list(zip(made.seeds.texts[where], counts, strict=True))


def _against(made: Made, day: Day, kernel: Kernel, settings: Settings) -> Floats | None:
    """What disliked items take away, the same under each interest of a reader."""
    if max(made.wary, default=-1) < 0:
        return None
    likeness = kernel.likeness(made.against, day.texts, day.beside)
    against = np.zeros((len(made.profiles), likeness.shape[1]), dtype=np.float32)
    for reader, row in enumerate(made.wary):
        if row >= 0:
            taken = settings.less * SLOPE * np.maximum(likeness[row] - ORDINARY, 0.0)
            against[made.first[reader] : made.first[reader + 1]] = taken
    return against
