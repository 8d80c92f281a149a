"""How much mail a new sender may send in a day, so that its reputation can grow."""

from dataclasses import dataclass

PLENTY = 10_000_000


@dataclass(frozen=True, slots=True)
class WarmUp:
    """A ramp of days: so many messages on the first, so many times more on each that follows.

    Attributes:
        first_day: at least 1.
        growth: factor from day to day, 1.0 or more; 2.0 = doubling.
    """

    first_day: int
    growth: float = 2.0

    def allowance(self, *, day: int, sent_today: int) -> int:
        """Give how many more messages may go out today; a claim takes no more than that.

        Args:
            day: days since the ramp began; 0 on the first.
        """
        # A float overflows after some thousand doublings; nobody's ramp is that long.
        allowed = self.first_day * self.growth ** min(day, 100)
        return max(0, int(min(allowed, PLENTY)) - sent_today)
