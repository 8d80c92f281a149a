"""When the day's work happens: the subscriber's clock, and what wakes the jobs."""
