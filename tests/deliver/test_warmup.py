import pytest

from digest.deliver.warmup import PLENTY, WarmUp


@pytest.mark.parametrize(
    ("day", "sent_today", "allowed"),
    [
        pytest.param(0, 0, 50, id="first day"),
        pytest.param(0, 20, 30, id="some sent"),
        pytest.param(0, 90, 0, id="more sent than allowed"),
        pytest.param(3, 0, 400, id="doubled three times"),
        pytest.param(10_000, 0, PLENTY, id="long after"),
    ],
)
def test_allowance_doubles_from_day_to_day(day, sent_today, allowed):
    assert WarmUp(50).allowance(day=day, sent_today=sent_today) == allowed


def test_ramp_without_growth_stays_flat():
    assert WarmUp(50, growth=1.0).allowance(day=30, sent_today=0) == 50
