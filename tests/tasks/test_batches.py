"""Questions in batches: none is lost, and each gets its own row."""

import numpy as np
import tensorflow as tf

from bert_tf.tasks.batches import ask, string_tensor, to_plain, without_filling


def lengths(text, choices):
    return {
        "length": tf.strings.length(text),
        "num_choices": tf.reduce_sum(tf.cast(choices != "", tf.int32), axis=1),
    }


def test_each_input_gets_its_row_though_the_last_batch_is_short():
    inputs = [{"text": "a" * n, "choices": ["b"] * (n + 1)} for n in range(5)]

    asked = ask(lengths, {"text": 1, "choices": 2}, iter(inputs), batch_size=2)

    answers = [
        (given, *(int(arrays[name][row]) for name in ("length", "num_choices")))
        for batch, arrays in asked
        for row, given in enumerate(batch)
    ]
    assert answers == [(inputs[n], n, n + 1) for n in range(5)]


def test_nothing_is_asked_of_nothing():
    assert list(ask(lengths, {"text": 1, "choices": 2}, [], batch_size=2)) == []


def test_lists_of_several_lengths_are_filled_up():
    found = string_tensor([["a"], ["b", "c"]], rank=2)

    assert found.numpy().tolist() == [[b"a", b""], [b"b", b"c"]]


def test_plain_values_have_a_json_form():
    texts = np.array([["é".encode(), b"\xff"]], object)

    assert to_plain(texts) == [["é", "\ufffd"]]
    assert to_plain(np.float32(0.5)) == 0.5
    assert to_plain(np.array([1, 2])) == [1, 2]


def test_rows_lose_what_they_are_filled_up_with():
    answer = {
        "words": ["a", "b", ""],
        "starts": [0, 2, 0],
        "entity_labels": ["", "", ""],
        "entity_starts": [0, 0, 0],
        "n_best_answers": ["", "x", ""],  # of equal length, and apart
        "n_best_scores": [1.0, 0.5, -1e9],
        "mean_pooled_output": [0.0, 1.0, 0.0],  # has no texts that tell
        "label": "c",
    }

    assert without_filling(answer) == answer | {
        "words": ["a", "b"],
        "starts": [0, 2],
        "entity_labels": [],
        "entity_starts": [],
        "n_best_answers": ["", "x"],
        "n_best_scores": [1.0, 0.5],
    }
