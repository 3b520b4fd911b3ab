"""Progress: every process reports, one line tells."""

import threading

from pipelines import progress


def test_reports_add_up(tmp_path):
    progress.report(str(tmp_path), progress.READ_BYTES, 5)
    progress.report(str(tmp_path), progress.READ_BYTES, 6)
    progress.report(str(tmp_path), progress.WRITTEN_SHARDS, 1)
    (tmp_path / f"{progress.READ_BYTES}.1").write_text("7\n8")  # 8 is half written
    assert progress.totals(str(tmp_path)) == {
        progress.READ_BYTES: 18,
        progress.PLANNED_SHARDS: 0,
        progress.WRITTEN_SHARDS: 1,
    }


def test_nobody_watching_is_no_error(tmp_path):
    progress.report(None, progress.WRITTEN_SHARDS, 1)
    progress.report(str(tmp_path / "removed"), progress.WRITTEN_SHARDS, 1)
    with progress.logged(None, 0):
        pass


def test_a_line_tells_share_rate_and_time_left():
    done = dict.fromkeys(progress.COUNTS, 0)
    assert progress.describe(done, 12_000_000, seconds=1) == "0 of 12 MB of text read"
    done[progress.READ_BYTES] = 3_000_000
    assert progress.describe(done, 12_000_000, seconds=10) == (
        "3 of 12 MB of text read (25%, 0.3 a second, 30 s left of this step)"
    )
    done[progress.PLANNED_SHARDS] = 4
    assert progress.describe(done, 0, seconds=1) == "0 of 4 shards written"
    done[progress.WRITTEN_SHARDS] = 1
    assert progress.describe(done, 0, seconds=1) == (
        "1 of 4 shards written (25%, 1 a second, 3 s left of this step)"
    )


def test_lines_appear_while_the_work_runs(tmp_path):
    lines = []
    told = threading.Event()

    def log(line):
        lines.append(line)
        told.set()

    with progress.logged(str(tmp_path), 1, log=log, interval_seconds=0.01):
        assert told.wait(timeout=10)
    assert lines
    assert not [each for each in threading.enumerate() if each.name == "progress"]
