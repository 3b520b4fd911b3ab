"""Parts of files, of lines that are told apart by their numbers."""

import lzma

import pytest

from benchmarks.tasks import splits
from benchmarks.tasks.catalogue import Contest
from bert_tf.config import TaskConfig

LINES = [f"line {number}" for number in range(1000)]


def contest(**fields):
    return Contest(
        name="Made", task=TaskConfig("classification"), metric="accuracy", **fields
    )


def test_the_parts_are_all_and_depend_on_the_lines_alone():
    train, held_out = splits.split(LINES, share=0.2, splits_repeats=False)

    assert sorted(train + held_out) == sorted(LINES)
    # 0.2 within four standard deviations, of the binomial distribution.
    assert abs(len(held_out) - 200) < 4 * (1000 * 0.2 * 0.8) ** 0.5
    backwards = splits.split(LINES[::-1], share=0.2, splits_repeats=False)
    assert backwards == (train[::-1], held_out[::-1])


@pytest.mark.parametrize("splits_repeats", [False, True])
def test_what_is_there_twice_may_be_in_both_parts_or_not(splits_repeats):
    train, held_out = splits.split(
        LINES + LINES, share=0.2, splits_repeats=splits_repeats
    )

    assert sorted(train + held_out) == sorted(LINES + LINES)
    assert abs(len(held_out) - 400) < 4 * (2000 * 0.2 * 0.8) ** 0.5
    assert bool(set(train) & set(held_out)) == splits_repeats


def test_a_sample_keeps_the_order_and_grows():
    few, more = splits.sample(LINES, 10), splits.sample(LINES, 20)

    assert len(few) == 10
    assert set(few) < set(more)
    assert sorted(more, key=LINES.index) == more
    assert splits.sample(LINES, 2000) == LINES


def test_whole_files_stay_where_they_are(tmp_path):
    files = splits.make_files(
        contest(train_file="a/train.tsv", eval_file="a/dev.tsv"),
        tmp_path,
        tmp_path / "made",
    )

    assert files == {
        "train": str(tmp_path / "a/train.tsv"),
        "eval": str(tmp_path / "a/dev.tsv"),
    }
    assert not (tmp_path / "made").exists()


def test_a_sample_of_chosen_lines_has_the_header(tmp_path):
    with lzma.open(tmp_path / "train.tsv.xz", "wt") as file:
        file.write("\n".join(["sentence\tlabel", *LINES]))

    files = splits.make_files(
        contest(
            train_file="train.tsv.xz",
            eval_file="dev.tsv",
            has_header=True,
            num_train_lines=5,
            train_lines="line .*0",
        ),
        tmp_path,
        tmp_path / "made",
    )

    made = tmp_path / "made/train.tsv"
    assert files == {"train": str(made), "eval": str(tmp_path / "dev.tsv")}
    chosen = splits.sample(LINES[::10], 5)
    assert made.read_text().splitlines() == ["sentence\tlabel", *chosen]


def test_a_file_is_split_in_two(tmp_path):
    (tmp_path / "Messages").write_text("".join(f"{line}\n" for line in LINES))

    files = splits.make_files(contest(train_file="Messages"), tmp_path, tmp_path / "made")

    parts = [(tmp_path / "made" / part).read_text().split("\n") for part in files]
    assert [part.pop() for part in parts] == ["", ""]
    assert tuple(parts) == splits.split(LINES, share=0.2, splits_repeats=False)
