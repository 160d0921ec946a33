"""The benchmark of a team under load makes everything happen that it tells of."""

from benchmarks.orchestration.team_load import under_load


def test_a_team_under_load_loses_and_mixes_up_nothing_with_failures_resumes_merges_and_evictions() -> None:
    told = under_load(threads=2, tasks=8)

    assert (told.lost, told.misattributed, told.lessons) == (0, 0, 16)
    assert "4 failed and went on" in told.happened
