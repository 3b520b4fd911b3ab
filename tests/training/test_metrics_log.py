from bert_tf.training.metrics_log import MetricsLog, held_out_steps, read_lines


def test_lines_come_back(tmp_path):
    path = str(tmp_path / "metrics.jsonl")
    log = MetricsLog(path, first_step=0)
    log.write("train", 10, {"loss": 0.1})
    log.write("held_out", 20, {"loss": 0.2})
    assert read_lines(path) == [
        {"split": "train", "step": 10, "loss": 0.1},
        {"split": "held_out", "step": 20, "loss": 0.2},
    ]
    assert held_out_steps(path) == {20}


def test_a_run_that_goes_on_drops_what_it_will_write_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(str(path), first_step=0)
    for step in (10, 20, 30):
        log.write("train", step, {})
    whole = path.read_text()
    with path.open("a") as file:
        file.write('{"split": "train", "st')  # cut off by a kill
    log = MetricsLog(str(path), first_step=20)
    log.write("train", 30, {})
    assert path.read_text() == whole


def test_no_file_is_no_lines(tmp_path):
    assert read_lines(str(tmp_path / "none")) == []
