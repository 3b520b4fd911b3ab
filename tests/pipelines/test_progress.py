"""Progress: every process reports, one line tells."""

import threading

from pipelines import progress


def test_reports_add_up(tmp_path):
    progress.report(str(tmp_path), progress.READ_CHARACTERS, 5)
    progress.report(str(tmp_path), progress.READ_CHARACTERS, 6)
    progress.report(str(tmp_path), progress.WRITTEN_SHARDS, 1)
    (tmp_path / f"{progress.READ_CHARACTERS}.1").write_text("7\n8")  # 8 is half written
    assert progress.totals(str(tmp_path)) == {
        progress.READ_CHARACTERS: 18,
        progress.BUCKET_PASSES: 0,
        progress.WRITTEN_SHARDS: 1,
    }


def test_nobody_watching_is_no_error(tmp_path):
    progress.report(None, progress.WRITTEN_SHARDS, 1)
    progress.report(str(tmp_path / "removed"), progress.WRITTEN_SHARDS, 1)
    with progress.logged(None, {}):
        pass


def test_a_line_tells_share_rate_and_time_left():
    done = {
        progress.READ_CHARACTERS: 3_000_000,
        progress.BUCKET_PASSES: 0,
        progress.WRITTEN_SHARDS: 0,
    }
    expected = {
        progress.READ_CHARACTERS: 12_000_000,
        progress.BUCKET_PASSES: 4,
        progress.WRITTEN_SHARDS: 2,
    }
    line = progress.describe(done, expected, seconds=10)
    assert line == (
        "3 of 12 million characters read and tokenized (25%, 0.3 a second, 30 s left of "
        "this step)"
    )
    done[progress.BUCKET_PASSES] = 1
    assert progress.describe(done, expected, seconds=1).startswith("1 of 4 passes")
    nothing = dict.fromkeys(progress.STAGES, 0)
    assert progress.describe(nothing, expected, seconds=1).startswith("0 of 12 million")


def test_lines_appear_while_the_work_runs(tmp_path):
    lines = []
    told = threading.Event()

    def log(line):
        lines.append(line)
        told.set()

    expected = dict.fromkeys(progress.STAGES, 1)
    with progress.logged(str(tmp_path), expected, log=log, interval_seconds=0.01):
        assert told.wait(timeout=10)
    assert lines
    assert not [each for each in threading.enumerate() if each.name == "progress"]
