"""Exact match, F1 and the threshold, beside what the official scripts give."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_tf.tasks.squad_metrics import (
    best_score,
    best_threshold,
    exact,
    f1,
    normalize,
)


@pytest.mark.parametrize(
    ("text", "normalized"),
    [
        ("The  Eiffel-Tower!", "eiffeltower"),
        ("an apple, a day", "apple day"),
        ("Theatre and Andes", "theatre and andes"),
        ("the", ""),
        ("U.S.A.", "usa"),
        ("a.b", "ab"),  # punctuation goes first, then articles
        ("“quoted” – dash", "“quoted” – dash"),  # ASCII's alone
        ("\u00a0non-breaking\u2003spaces ", "nonbreaking spaces"),
        ("", ""),
    ],
)
def test_normalized(text, normalized):
    assert normalize(text) == normalized


@pytest.mark.parametrize(
    ("gold", "received", "expected_exact", "expected_f1"),
    [
        ("Denver Broncos", "the denver broncos.", 1, 1),
        ("Denver Broncos", "Broncos", 0, 2 / 3),
        # Two of three received words are right, two of four gold ones.
        (
            "one two three four",
            "two one five",
            0,
            2 * 2 / (3 + 4),
        ),
        # Words count as often as both have them.
        ("no no yes", "no no no", 0, 2 / 3),
        ("cat", "dog", 0, 0),
        ("cat", "", 0, 0),
        ("", "cat", 0, 0),
        ("", "", 1, 1),
        ("", "the", 1, 1),
    ],
)
def test_scores(gold, received, expected_exact, expected_f1):
    assert exact(gold, received) == expected_exact
    assert f1(gold, received) == pytest.approx(expected_f1)


def test_the_best_of_the_gold_answers_counts():
    assert best_score(f1, ["in Paris", "Paris", "France"], "paris") == 1
    assert best_score(exact, ["in Paris", "France"], "paris") == 0
    assert best_score(f1, ["in Paris", "France"], "paris") == pytest.approx(2 / 3)


def test_without_gold_answers_only_none_is_right():
    assert best_score(exact, [], "") == best_score(f1, [], "") == 1
    assert best_score(exact, [], "Paris") == best_score(f1, [], "Paris") == 0


def test_gold_answers_without_words_do_not_count():
    assert best_score(f1, ["the", "Paris"], "") == 0
    assert best_score(exact, ["..."], "") == 1


def official_best_threshold(scores, scores_without, differences):
    """`find_best_thresh` of evaluate-v2.0.py, its dictionaries made lists."""
    current = sum(scores_without)
    best, threshold = current, 0.0
    for number in sorted(range(len(scores)), key=lambda number: differences[number]):
        has_answer = not scores_without[number]
        current += scores[number] if has_answer else -1
        if current > best:
            best, threshold = current, differences[number]
    return best / len(scores), threshold


questions = st.tuples(st.sampled_from([0, 0.25, 0.5, 1]), st.booleans())


@given(
    st.lists(questions, min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_threshold_is_the_official_one(drawn, rng):
    scores = [0 if is_impossible else score for score, is_impossible in drawn]
    without = [float(is_impossible) for _, is_impossible in drawn]
    differences = rng.sample(range(-50, 50), len(drawn))

    best, threshold = best_threshold(scores, without, differences)

    official, official_threshold = official_best_threshold(scores, without, differences)
    assert best == pytest.approx(official)
    if best > sum(without) / len(without):
        assert threshold == official_threshold


@given(
    st.lists(st.tuples(questions, st.integers(-3, 3)), min_size=1, max_size=12),
)
def test_the_threshold_gives_the_best_score_and_no_other_a_better_one(drawn):
    scores = [0 if is_impossible else score for (score, is_impossible), _ in drawn]
    without = [float(is_impossible) for (_, is_impossible), _ in drawn]
    differences = [difference for _, difference in drawn]

    def at(threshold):
        chosen = zip(scores, without, differences, strict=True)
        each = [none if diff > threshold else score for score, none, diff in chosen]
        return sum(each) / len(each)

    best, threshold = best_threshold(scores, without, differences)

    assert best == pytest.approx(at(threshold))
    assert best == pytest.approx(max(at(other) for other in range(-4, 4)))
