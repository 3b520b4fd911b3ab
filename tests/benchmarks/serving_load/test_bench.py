"""A few seconds of the load, with the server as a process, on a tiny export."""

import json
import pathlib

import pytest

from benchmarks.serving_load import bench, report
from benchmarks.serving_load.good import RIGHT
from bert_tf.serving.export_lib import export
from tests.serving.made_runs import write_run


@pytest.mark.slow
def test_a_few_seconds(tmp_path):
    path = export(write_run(tmp_path, "classification"), str(tmp_path / "export"))

    results = bench.load(
        str(pathlib.Path(path).parent), tmp_path / "load", minutes=0.05, num_threads=2
    )

    assert results.wrong_examples == []
    assert [check for check in report.checks(results) if check.has_failed] == []
    for kind in results.kinds:
        assert kind.num_begun
        assert kind.received.keys() == {RIGHT} or not kind.is_good
    assert [(each.number, each.was_damaged) for each in results.versions] == [
        (2, False),
        (3, True),
    ]
    left = sorted(each.name for each in (tmp_path / "load" / "model").iterdir())
    assert left == ["3", "4"]  # and what was loaded when the server was stopped
    assert "## Verdict: passed" in report.to_markdown(results)
    assert json.loads(report.to_json(results))["exit_code"] == 0
