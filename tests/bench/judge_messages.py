"""Whether our mails read back as the stdlib's: `python -m tests.bench.judge_messages`.

A thousand subjects, names and abstracts that hypothesis makes, hostile ones among them; the test
of the suite asks it of forty.
"""

from hypothesis import HealthCheck, Phase, given, settings

from tests.compose.test_message import JUDGED, judge_by_the_stdlib

EXAMPLES = 1_000


def main() -> None:
    judged = 0

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(**JUDGED)
    def judge(title, name, abstract):
        nonlocal judged
        judge_by_the_stdlib(title, name, abstract)
        judged += 1

    judge()
    print(f"{judged} mails: the same headers and parts as EmailMessage makes, no defect")


if __name__ == "__main__":
    main()
