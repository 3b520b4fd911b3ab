"""The page: it shows what the folder holds, of one run or of several."""

import dataclasses
import hashlib
import json
import math
import re
import subprocess
import sys

import hypothesis
import pytest
from hypothesis import strategies as st

from bert_tf.config import BertConfig, InputConfig, OptimizerConfig
from bert_tf.errors import UserError
from bert_tf.training.report import MAX_RUNS, write_report
from bert_tf.training.report.page import render
from bert_tf.training.report.run import Run
from tests.html_page import Page
from tests.training.report.made_runs import (
    SENTENCE,
    lines,
    made_config,
    made_data,
    split,
    write_run,
)

RESULTS = {
    "masked_lm_loss": math.log(60.0),
    "masked_lm_accuracy": 0.471,
    "masked_lm_perplexity": 60.0,
    "next_sentence_loss": 0.5,
    "next_sentence_accuracy": 0.549,
    "baseline_masked_lm_accuracy": 0.05,
    "baseline_masked_lm_perplexity": 800.0,
    "baseline_next_sentence_accuracy": 0.5,
    "num_examples": 400,
    "next_sentence_interval": 0.049,
}
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x>",
    "&lt;",
    "</style>",
    "a\u202eb\0",
)


def written(tmp_path, *workdirs):
    write_report(workdirs, tmp_path / "report.html")
    return (tmp_path / "report.html").read_text()


def test_a_complete_run_is_told_beside_its_baselines(tmp_path):
    run = write_run(tmp_path / "run", results=RESULTS)

    page = Page(written(tmp_path, run))

    assert "47.1% of held-out masked words right" in page.text
    assert "so far" not in page.text and "not yet complete" not in page.text
    assert page.pairs["Steps"] == "200"
    assert page.pairs["Examples seen"] == "2,000"
    assert page.pairs["Tokens seen"] == "about 160.0 thousand"
    assert page.pairs["Passes over the data"] == "2.00"
    assert page.pairs["Tokens a second"] == "12,000"
    assert page.rows["Masked words right"] == ["47.1%✓ above 5.0%"]
    assert page.rows["Perplexity"] == ["60.0✓ below 800.0"]
    # Within 1.96 * sqrt(0.25 / 400) of the majority.
    assert page.rows["Next sentences told right"] == ["54.9%▲ not above 50.0%"]
    digest = hashlib.sha256(b"train" * 8).hexdigest()
    assert page.rows["Training"] == ["1,000", "1", digest]
    assert page.rows["Vocabulary"] == ["30,522 tokens", "", "ab" * 32]


def test_an_unfinished_run_is_told_so_far(tmp_path):
    run = write_run(tmp_path / "run", metrics=lines(120))

    page = Page(written(tmp_path, run))

    assert "not yet complete" in page.text
    assert "23.8% of held-out masked words right so far" in page.text
    assert page.pairs["Steps"] == "120 of 200"
    assert page.rows["Perplexity"] == [f"{math.exp(6.1):,.1f}✓ below 800.0"]


@pytest.mark.parametrize("num_runs", [1, 2])
def test_a_run_that_has_not_logged_yet_has_a_page(tmp_path, num_runs):
    runs = [write_run(tmp_path / name, metrics=[]) for name in "ab"[:num_runs]]

    text = Page(written(tmp_path, *runs)).text

    assert ("Nothing is measured yet" if num_runs == 1 else "Not all of them") in text


def test_every_figure_has_its_chart_and_its_numbers(tmp_path):
    page = Page(written(tmp_path, write_run(tmp_path / "run")))

    # Learning, one of predictions, optimizing and speed.
    assert sum(tag == "svg" for tag, _ in page.elements) == 4 + 1 + 3 + 4
    assert sum(tag == "desc" for tag, _ in page.elements) == 4 + 1 + 3 + 4
    # Rows of the last table, which is padding's.
    assert page.rows["10"] == page.rows["200"] == ["20.0%"]
    assert "train: first 7.8 at step 10, last 4 at step 200" in page.text
    assert "held out: first 7.1 at step 50, last 4.1 at step 200" in page.text


def test_without_pairs_there_is_no_chart_of_next_sentences(tmp_path):
    metrics = [
        {name: value for name, value in line.items() if not name.startswith("next_")}
        for line in lines()
    ]
    page = Page(written(tmp_path, write_run(tmp_path / "run", metrics=metrics)))

    assert sum(tag == "svg" for tag, _ in page.elements) == 2 + 1 + 3 + 4
    assert "Next sentences" not in page.text


def test_an_overflow_of_gradients_is_left_out(tmp_path):
    metrics = lines()
    metrics[3]["gradient_norm"] = math.inf
    metrics[4]["gradient_norm"] = math.nan
    text = written(tmp_path, write_run(tmp_path / "run", metrics=metrics))
    assert not re.search(r"\b(nan|inf|Infinity)\b", text)


def test_padding_is_of_the_phase_of_its_step(tmp_path):
    metrics = lines()
    for line in metrics:
        if line["split"] == "train" and line["step"] > 150:
            line["tokens_per_row"] = 400.0
    long = {"train": split("long", 500, 500, 400), "held_out": split("long_held_out", 9)}
    run = write_run(
        tmp_path / "run",
        metrics=metrics,
        config=made_config(
            num_long_steps=50, long_input=InputConfig(data_dir="long", train_batch_size=5)
        ),
        data=made_data(long_splits=[long]),
    )

    page = Page(written(tmp_path, run))

    assert "lowest 20.0% at step 10, highest 20.0% at step 10" in page.text
    assert page.pairs["Examples a step"] == "10, then 5"
    assert page.pairs["Tokens of a row"] == "100, then 500"
    assert page.pairs["Examples seen"] == "1,750"
    assert page.pairs["Tokens seen"] == "about 220.0 thousand"  # 1500 * 80 + 250 * 400
    assert page.pairs["Passes over the data"] == "1.50 + 0.50"
    assert page.pairs["long_input.data_dir"].startswith("long")
    assert page.rows["Training, long"][0] == "500"


def test_predictions_are_told_by_step_and_the_right_one_is_marked(tmp_path):
    text = written(tmp_path, write_run(tmp_path / "run"))
    page = Page(text)

    assert '<ruby class="masked">[MASK]<rt>cat</rt></ruby>' in text
    assert "[CLS] the [MASK]cat un##able [SEP]" in page.text
    assert "dog31%✓ cat20%##s10%of5%man<1%" in page.text


def test_a_curve_tells_how_probable_what_was_there_has_become(tmp_path):
    predictions = [
        {"split": "held_out", "step": step, "sentences": [sentence]}
        for step, sentence in (
            (50, SENTENCE | {"label_probability": 0.125}),
            (100, SENTENCE | {"label_probability": 0.4}),
        )
    ]
    run = write_run(tmp_path / "run", predictions=predictions)
    page = Page(written(tmp_path, run))

    assert "What was there: probability" in page.text
    assert "cat: first 12.5% at step 50, last 40.0% at step 100" in page.text
    other = write_run(tmp_path / "other", predictions=predictions)
    assert "What was there" not in Page(written(tmp_path, run, other)).text


def test_predictions_of_earlier_versions_have_no_curve(tmp_path):
    earlier = {key: SENTENCE[key] for key in ("tokens", "position", "label", "top")}
    predictions = [{"split": "held_out", "step": 50, "sentences": [earlier]}]
    page = Page(written(tmp_path, write_run(tmp_path / "run", predictions=predictions)))

    assert "What it fills in" in page.text
    assert "What was there: probability" not in page.text


def test_only_what_is_around_a_mask_is_shown(tmp_path):
    tokens = [f"w{index}" for index in range(100)]
    sentence = SENTENCE | {"tokens": tokens, "position": 50}
    predictions = [{"split": "held_out", "step": 50, "sentences": [sentence]}]
    page = Page(written(tmp_path, write_run(tmp_path / "run", predictions=predictions)))

    assert "… w26 w27" in page.text and "w73 w74 …" in page.text
    assert "w25" not in page.text and "w75" not in page.text


def test_the_configuration_is_shown_and_what_was_changed(tmp_path):
    config = made_config()
    page = Page(written(tmp_path, write_run(tmp_path / "run", config=config)))

    for part in ("model", "input", "optimizer"):
        for name, value in dataclasses.asdict(getattr(config, part)).items():
            assert page.pairs[f"{part}.{name}"].startswith(str(value))
    assert page.pairs["model.hidden_size"] == "32default 768"
    assert page.pairs["seed"] == "0"
    assert not any(name.startswith("long_input") for name in page.pairs)


def test_two_runs_are_compared(tmp_path):
    better = RESULTS | {"masked_lm_accuracy": 0.6}
    config = made_config(optimizer=OptimizerConfig(learning_rate=2e-3, warmup_steps=10))
    runs = [
        write_run(tmp_path / "a", results=RESULTS),
        write_run(tmp_path / "b", results=better, config=config),
    ]

    page = Page(written(tmp_path, *runs))

    assert "B is ahead: 60.0% of held-out masked words right" in page.text
    assert page.rows["Masked words right"] == ["47.1%✓ above 5.0%", "60.0%✓ above 5.0%"]
    assert page.rows["optimizer.learning_rate"] == ["0.001", "0.002"]
    assert "optimizer.warmup_steps" not in page.rows
    assert sum(tag == "svg" for tag, _ in page.elements) == 4 + 3 + 4
    assert sum(tag == "polyline" for tag, _ in page.elements) == 2 * (4 * 2 + 3 + 4)
    for name in runs:
        assert name in page.text


def test_equal_runs_are_told_equal(tmp_path):
    runs = [write_run(tmp_path / name, results=RESULTS) for name in "ab"]

    text = Page(written(tmp_path, *runs)).text

    assert "A and B are equal: 47.1%" in text
    assert "Neither a setting nor the data" in text


def test_runs_of_other_examples_are_not_ranked(tmp_path):
    runs = [
        write_run(tmp_path / "a", results=RESULTS),
        write_run(tmp_path / "b", results=RESULTS, data=made_data(held_out="others")),
    ]

    page = Page(written(tmp_path, *runs))

    assert "They are measured on different examples" in page.text
    assert "The held-out examples differ" in page.text
    assert len(set(page.rows["held-out examples"])) == 2


def test_warnings_have_the_letter_of_their_run(tmp_path):
    odd = lines(train={"input_share": 0.5})
    runs = [write_run(tmp_path / "a"), write_run(tmp_path / "b", metrics=odd)]

    text = Page(written(tmp_path, *runs)).text

    assert "1 warning" in text and "B: Steps waited for their examples 50.0%" in text


@pytest.mark.parametrize("word", HOSTILE)
def test_no_text_is_taken_for_markup(tmp_path, word):
    sentence = {
        "tokens": [word, "[MASK]", f"##{word}"],
        "position": 1,
        "label": word,
        "label_probability": 0.5,
        "top": [[word, 0.5]],
    }
    predictions = [{"split": "held_out", "step": 50, "sentences": [sentence]}]
    config = made_config(input=InputConfig(data_dir=word, train_batch_size=10))
    changes = {"predictions": predictions, "config": config}
    usual = write_run(tmp_path / "usual")
    hostile = [write_run(tmp_path / name, **changes) for name in "ab"]

    for others in (hostile[:1], hostile):
        text = written(tmp_path, *others)
        assert not re.search("[\u202e\0]", text)
        expected = Page(written(tmp_path, *[usual, hostile[0]][: len(others)]))
        page = Page(text)
        assert {tag for tag, _ in page.elements} == {tag for tag, _ in expected.elements}
        visible = word.replace("\u202e", "U+202E").replace("\0", "U+0000")
        # Two tokens, a label, an answer of each run, and a setting of each; of one run
        # the curve's description, end, key and column.
        of_curve = 4 if len(others) == 1 else 0
        assert page.text.count(visible) == 3 + 2 * len(others) + of_curve


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    text = written(tmp_path, write_run(tmp_path / "run"))
    assert not re.search(r"https?:|//|@import|url\(", text.replace(str(tmp_path), ""))
    for tag, attributes in Page(text).elements:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert not {"src", "href", "onclick"} & set(attributes)


def test_a_long_run_stays_small(tmp_path):
    metrics = [
        line | {"step": 1000 * number, "gradient_norm": math.sin(number) + 2}
        for number in range(1, 10_000)
        for line in (lines(10)[0], lines(50)[-1])
    ]
    text = written(tmp_path, write_run(tmp_path / "run", metrics=metrics))
    assert len(text.encode()) < 200_000


def test_the_same_files_give_the_same_bytes(tmp_path):
    runs = [write_run(tmp_path / name, results=RESULTS) for name in "ab"]
    assert written(tmp_path, *runs) == written(tmp_path, *runs)


@pytest.mark.parametrize(
    ("workdirs", "message"),
    [
        (["none"], "Expected the folder of a run, received .*none"),
        (["run", "none"], "Expected the folder of a run, received .*none"),
        (["run", "run/"], "1 to 8 different folders of runs, received .*run, .*run"),
        ([], "received none"),
        ([f"run{number}" for number in range(MAX_RUNS + 1)], "Expected 1 to 8 different"),
    ],
)
def test_what_is_no_run_is_refused(tmp_path, workdirs, message):
    write_run(tmp_path / "run")
    with pytest.raises(UserError, match=message):
        write_report([f"{tmp_path}/{each}" for each in workdirs], tmp_path / "page.html")
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize("name", ["metrics.jsonl", "predictions.jsonl", "results.json"])
def test_a_damaged_file_is_one_line(tmp_path, name):
    workdir = write_run(tmp_path / "run")
    (tmp_path / "run" / name).write_text("{]\n")
    with pytest.raises(UserError, match=rf"{name}'?, received"):
        write_report([workdir], tmp_path / "page.html")


def test_the_program_needs_no_tensorflow(tmp_path):
    runs = [write_run(tmp_path / name) for name in "ab"]
    program = "import runpy, sys, atexit; sys.argv = ['report', *sys.argv[1:]];"
    program += "atexit.register(lambda: print('tensorflow' in sys.modules));"
    program += "runpy.run_module('bert_tf.report', run_name='__main__')"
    output = str(tmp_path / "page.html")

    result = subprocess.run(
        [
            *(sys.executable, "-c", program),
            *(f"--workdir={','.join(runs)}", f"--output={output}"),
        ],
        capture_output=True,
        text=True,
    )

    assert result.stdout == f"{output}\nFalse\n", result.stderr
    assert Page((tmp_path / "page.html").read_text()).text


figures = st.sampled_from([0.0, 0.5, 1e-9, 0.9, 1e6, math.inf, math.nan])
metric_lines = st.dictionaries(
    st.sampled_from([name for name in lines()[0] if name not in ("split", "step")]),
    figures,
)


@hypothesis.settings(max_examples=30)
@hypothesis.given(
    st.lists(st.tuples(st.sampled_from(["train", "held_out"]), metric_lines), max_size=6),
    st.sampled_from([{}, RESULTS]),
    st.sampled_from([{}, made_data()["baselines"]]),
    st.integers(1, 3),
)
def test_any_metrics_give_one_page(metrics, results, baselines, num_runs):
    run = Run(
        name="run",
        config=made_config(model=BertConfig()),
        data=json.loads(json.dumps(made_data(baselines=baselines))),
        metrics=[
            {"split": name, "step": 10 * step} | line
            for step, (name, line) in enumerate(metrics, start=1)
        ],
        predictions=[],
        results=results,
    )
    page = render([run] * num_runs)
    assert page == render([run] * num_runs)
    Page(page)
