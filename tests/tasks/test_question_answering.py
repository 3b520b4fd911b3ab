"""Spans that answer questions, from files to figures."""

import json
import random

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from bert_tf.config import BertConfig, FeatureConfig, FinetuneConfig, TaskConfig
from bert_tf.data.task_files.squad import GoldAnswers
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.data.windows import make_windows
from bert_tf.errors import UserError
from bert_tf.tasks.answering import answer_examples, with_answers
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.question_answering import (
    MAX_ANSWER_TOKENS,
    NO_SPAN,
    NUM_BEST,
    QuestionAnswering,
    best_spans,
)
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENS

LETTERS = "abcé中😀."
LETTER_TOKENS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *LETTERS,
    *(f"##{letter}" for letter in LETTERS),
)


def make_task(tokens=TOKENS, *, max_seq_length=16, doc_stride=4):
    return QuestionAnswering(
        TaskConfig(
            name="question_answering",
            max_seq_length=max_seq_length,
            doc_stride=doc_stride,
        ),
        BertTokenizer(Vocabulary(tokens), lower_case=tokens is TOKENS),
    )


TASK = make_task()
LETTER_TASK = make_task(LETTER_TOKENS)


class Scorer(keras.Model):
    """Scores tokens by their ids; [CLS] also by how many of some are in the window.

    Args:
        scores: logits of a token as first and as last by the token; 0 of others.
        null_scores: what each token in the window adds to [CLS]'s two logits.
    """

    def __init__(self, scores, null_scores=()):
        super().__init__()
        self.table = np.zeros([len(TOKENS), 2], np.float32)
        self.null_table = np.zeros([len(TOKENS)], np.float32)
        for token, values in scores.items():
            self.table[TOKENS.index(token)] = values
        for token, value in dict(null_scores).items():
            self.null_table[TOKENS.index(token)] = value

    def call(self, inputs):
        ids = inputs["input_word_ids"]
        logits = tf.gather(tf.constant(self.table), ids)
        null = tf.reduce_sum(tf.gather(tf.constant(self.null_table), ids), axis=1)
        is_first = tf.one_hot(tf.zeros_like(ids[:, 0]), tf.shape(ids)[1])
        return {"logits": logits + (is_first * null[:, tf.newaxis])[:, :, tf.newaxis]}


def ask(model, *pairs, task=TASK):
    examples = [
        Example({"question": question, "context": context}) for question, context in pairs
    ]
    return answer_examples(task, model, examples, batch_size=len(examples))


# --- Training ---------------------------------------------------------------------------


def example_of(context, answer, span, question="who ?"):
    return Example(
        {"question": question, "context": context},
        GoldAnswers("1", () if answer is None else (answer,), span),
    )


def test_the_head_has_no_dropout():
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        hidden_dropout_prob=0.5,
    )
    model = TASK.make_model(config, FeatureConfig(frozen=True))
    packed = TASK.pack({"question": ["who ?"], "context": ["the cat sat"]})

    logits = [model(packed, training=training)["logits"] for training in (True, False)]

    np.testing.assert_allclose(*logits, atol=1e-6)


def decode(row, tokens):
    start, end = row["start_position"], row["end_position"]
    return [tokens[number] for number in row["input_word_ids"][start : end + 1]]


def test_a_window_beside_its_question():
    (row,) = TASK.encode([example_of("Bob lives in Paris.", "Paris", (13, 18))])

    ids = [TOKENS[number] for number in row["input_word_ids"]]
    assert " ".join(ids) == "[CLS] who ? [SEP] bob lives in paris . [SEP]"
    np.testing.assert_array_equal(row["input_type_ids"], [0] * 4 + [1] * 6)
    np.testing.assert_array_equal(row["input_mask"], [1] * 10)
    assert row["start_position"] == row["end_position"] == 7
    assert {name: row[name].dtype.name for name in row} == {
        **dict.fromkeys(("input_word_ids", "input_mask", "input_type_ids"), "int32"),
        **dict.fromkeys(("start_position", "end_position"), "int32"),
        "weight": "float32",
    }


def test_answers_at_all_places():
    context = " ".join(["cat", "dog"] * 11)
    places = [(place, count) for place in range(20) for count in (1, 3)]
    spans = [(4 * place, 4 * (place + count) - 1) for place, count in places]

    rows = TASK.encode(
        [example_of(context, context[slice(*span)], span) for span in spans]
    )

    # Sequences of 16: 3 special tokens, 2 of the question, 11 of the context.
    for place, count in places:
        for start in (0, 4, 8, 12):
            row = next(rows)
            assert row["input_mask"].sum() == (15 if start == 12 else 16)
            is_shown = start <= place and place + count <= min(start + 11, 22)
            first = 4 + place - start
            received = (row["start_position"], row["end_position"])
            assert received == ((first, first + count - 1) if is_shown else (0, 0))
    assert next(rows, None) is None


@st.composite
def answered_contexts(draw):
    context = draw(st.text(LETTERS + "  ", min_size=1, max_size=40))
    start = draw(st.integers(0, len(context) - 1))
    end = draw(st.integers(start + 1, min(start + 8, len(context))))
    return context, start, end


@settings(max_examples=8)
@given(st.lists(answered_contexts(), min_size=10, max_size=20))
def test_positions_decode_back_to_the_answer(drawn):
    examples, expected = [], []
    for number, (context, start, end) in enumerate(drawn):
        span = tuple(len(context[:offset].encode()) for offset in (start, end))
        # The question tells whose rows these are.
        question = " ".join(LETTERS[number // 7] + LETTERS[number % 7])
        examples.append(example_of(context, context[start:end], span, question))
        letters = "".join(context[start:end].split())
        expected.append((question, letters))
    examples.append(example_of("abc", "b", (1, 2), "c c"))

    *rows, last = LETTER_TASK.encode(examples)

    assert decode(last, LETTER_TOKENS) == ["##b"]
    received = {question: set() for question, _ in expected}
    for row in rows:
        question = " ".join(
            LETTER_TOKENS[number] for number in row["input_word_ids"][1:3]
        )
        letters = "".join(decode(row, LETTER_TOKENS)).replace("##", "")
        received[question].add(letters)
    for question, letters in expected:
        if not letters:  # spaces alone
            assert not received[question]
            continue
        # Windows of 11 that begin every 4: 8 letters are seen whole somewhere.
        assert letters in received[question]
        assert received[question] <= {letters, "[CLS]"}


def test_without_an_answer_all_windows_point_to_cls():
    rows = list(TASK.encode([example_of("the cat sat . " * 8, None, None)]))

    assert len(rows) > 3
    assert not any(row["start_position"] or row["end_position"] for row in rows)


def test_answers_that_are_nowhere_are_left_out(caplog):
    good = example_of("Bob lives.", "Bob", (0, 3))
    lost = example_of("Bob lives.", "Alice", None)
    control = example_of("Bob \u0007 lives.", "\u0007", (4, 5))

    with caplog.at_level("WARNING"):
        rows = list(TASK.encode([lost, good, control]))

    assert [row["start_position"] for row in rows] == [4]
    assert "1 of 3 answers have no token" in caplog.text
    with pytest.raises(UserError, match="received none in 2 questions"):
        list(TASK.encode([lost, control]))


def test_a_long_question_is_cut_and_the_context_still_seen():
    example = example_of("Bob lives.", "Bob", (0, 3), question="who was the cat " * 30)

    (row,) = TASK.encode([example])

    ids = [TOKENS[number] for number in row["input_word_ids"]]
    assert " ".join(ids) == "[CLS] who was the cat who [SEP] bob lives . [SEP]"
    (row,) = make_task(max_seq_length=512).encode([example])
    assert row["input_mask"].sum() == 3 + 64 + 3
    assert TASK.num_cut([example, example_of("Bob lives.", "Bob", (0, 3))]) == 1


def test_the_loss_does_not_see_padding():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=[3, 5, 2]).astype("float32")
    logits[2] = [[0, 0], [9, 0], [0, 9], [0, 0], [0, 0]]
    batch = {
        "input_mask": tf.constant([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 0]]),
        "start_position": tf.constant([1, 0, 1]),
        "end_position": tf.constant([2, 0, 2]),
        "weight": tf.constant([1.0, 0.0, 2.0]),
    }

    sums = TASK.weighted_sums({"logits": tf.constant(logits)}, batch)

    expected = 0.0
    for row, length, weight in ((0, 3, 1), (2, 4, 2)):
        for side, name in enumerate(("start_position", "end_position")):
            shown = logits[row, :length, side].astype("float64")
            right = shown[batch[name][row]]
            expected += weight * (np.log(np.sum(np.exp(shown))) - right) / 2
    assert float(sums["loss"][0]) == pytest.approx(expected, rel=1e-5)
    assert float(sums["loss"][1]) == float(TASK.loss_weights(batch)["loss"]) == 3
    is_right = np.all(np.argmax(logits[0, :3], axis=0) == [1, 2])
    assert float(sums["accuracy"][0]) == 2 + is_right


# --- Answers ----------------------------------------------------------------------------


def slow_best_spans(logits, windows, first):
    """For each text (score, window, first token, last token), the best first."""
    contexts = {}  # of (text, token): how much each window has
    shown = list(
        zip(
            windows.text.numpy(),
            windows.start.numpy(),
            windows.length.numpy(),
            strict=True,
        )
    )
    for window, (text, start, length) in enumerate(shown):
        for i in range(length):
            context = 100 * min(i, length - 1 - i) + length
            contexts.setdefault((text, start + i), []).append((-context, window))
    found = [[] for _ in windows.lengths]
    for window, (text, start, length) in enumerate(shown):
        for i in range(length):
            if min(contexts[text, start + i])[1] != window:
                continue
            for j in range(i, min(i + MAX_ANSWER_TOKENS, length)):
                score = (
                    logits[window, first[window] + i, 0]
                    + logits[window, first[window] + j, 1]
                )
                found[text].append((-score, window, start + i, start + j))
    return [sorted(each)[:NUM_BEST] for each in found]


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(0, 90), min_size=1, max_size=4),
    capacity=st.integers(1, 50),
    stride=st.integers(1, 60),
    seed=st.integers(0, 99),
    has_ties=st.booleans(),
)
def test_best_spans_are_those_of_a_slow_search(lengths, capacity, stride, seed, has_ties):
    rng = np.random.default_rng(seed)
    question_lengths = rng.integers(0, 9, len(lengths))
    windows = make_windows(
        tf.constant(lengths, tf.int64),
        tf.constant(capacity + question_lengths, tf.int64),
        stride=stride,
    )
    first = 2 + tf.gather(tf.constant(question_lengths), windows.text)
    # Padding after the longest sequence, with logits like the others.
    length = int(tf.reduce_max(first + windows.length)) + 1 + int(rng.integers(9))
    shape = [len(windows.text), length, 2]
    logits = rng.integers(-3, 4, shape) if has_ties else rng.normal(scale=5, size=shape)
    logits = logits.astype("float32")

    spans = best_spans(tf.constant(logits), windows, first)

    expected = slow_best_spans(logits, windows, first.numpy())
    for text, best in enumerate(expected):
        scores = [-score for score, *_ in best] + [NO_SPAN] * (NUM_BEST - len(best))
        np.testing.assert_array_equal(spans.score[text], np.float32(scores))
        count = len(best)
        received = zip(spans.first[text][:count], spans.last[text][:count], strict=True)
        assert [tuple(map(int, each)) for each in received] == [
            (i, j) for _, _, i, j in best
        ]


def test_answers_far_beyond_what_the_model_sees_at_once():
    contexts = [
        "the cat ran. " * count + "Bób lives in LONDON ." for count in (0, 1, 7, 11, 101)
    ]

    answers = ask(
        Scorer({"london": (5, 7)}), *(("where?", context) for context in contexts)
    )

    for answer, context in zip(answers, contexts, strict=True):
        start = context.encode().index(b"LONDON")
        best = {"answer": "LONDON", "start": start, "end": start + 6, "score": 12}
        assert {name: answer[name] for name in best} == best
        assert answer["null_score"] == 0
        assert answer["n_best"][0] == best
        assert len(answer["n_best"]) == NUM_BEST


def test_the_null_score_is_the_least_over_the_windows():
    context = "the cat " * 10 + "bob " + "a dog " * 5
    model = Scorer({"bob": (2, 2)}, {"cat": 3, "dog": 3, "[CLS]": 0.5})
    windows = make_windows(*(tf.constant([n], tf.int64) for n in (31, 11)), stride=4)
    words = context.split()
    numbers_of_pets = [
        sum(word in ("cat", "dog") for word in words[start : start + length])
        for start, length in zip(windows.start, windows.length, strict=True)
    ]

    (answer,) = ask(model, ("who?", context))

    assert answer["null_score"] == 2 * (0.5 + 3 * min(numbers_of_pets))
    assert answer["score"] == 4


def test_no_answer_is_given_beyond_the_threshold():
    context = "alice and bob"
    model = Scorer({"bob": (2, 2)}, {"[CLS]": 3})
    expected = {"score": 4, "null_score": 6}

    for threshold, text in ((2.0, "bob"), (1.9, ""), (float("inf"), "bob")):
        task = make_task()
        task.no_answer_threshold = threshold
        (answer,) = ask(model, ("who?", context), task=task)
        assert answer["answer"] == text
        assert answer["end"] == (13 if text else 0)
        assert {name: answer[name] for name in expected} == expected
        assert answer["n_best"][0]["answer"] == "bob"


def test_nothing_to_ask_or_to_read():
    pairs = [("", "bob ."), ("who?", ""), ("", ""), ("who?", " \u0007 "), ("\u3000", "a")]
    model = Scorer({"bob": (2, 2)})

    together = ask(model, *pairs)
    nothing = ask(model, ("", ""))

    assert [answer["answer"] for answer in together] == ["bob", "", "", "", "a"]
    assert (
        together[2]
        == nothing[0]
        == {
            "answer": "",
            "start": 0,
            "end": 0,
            "score": NO_SPAN,
            "null_score": 0,
            "n_best": [],
        }
    )


def test_few_tokens_have_few_spans():
    (answer,) = ask(Scorer({"bob": (2, 2), "ran": (0, 1)}), ("who?", "Bob ran"))

    assert [(each["answer"], each["score"]) for each in answer["n_best"]] == [
        ("Bob", 4),
        ("Bob ran", 3),
        ("ran", 1),
    ]


def test_answers_do_not_depend_on_the_batch():
    config = BertConfig(
        vocab_size=len(TOKENS),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=16,
        initializer_range=0.5,
    )
    model = TASK.make_model(config, FeatureConfig())
    rng = random.Random(0)
    examples = [
        Example(
            {
                "question": " ".join(rng.choices(TOKENS[5:], k=rng.randint(0, 7))),
                "context": " ".join(rng.choices(TOKENS[5:], k=rng.randint(0, 60))),
            }
        )
        for _ in range(12)
    ]

    one_by_one = answer_examples(TASK, model, examples, batch_size=1)
    together = answer_examples(TASK, model, examples, batch_size=12)

    assert len({answer["answer"] for answer in together}) > 3
    for alone, beside in zip(one_by_one, together, strict=True):
        assert alone["answer"] == beside["answer"]
        for name in ("score", "null_score"):
            assert beside[name] == pytest.approx(alone[name], abs=1e-4)


# --- Figures ----------------------------------------------------------------------------


def answered(text, *, score, null_score, span=None):
    best = {"answer": text if span is None else span, "score": score}
    return {
        "answer": text,
        "score": score,
        "null_score": null_score,
        "n_best": [best] if best["answer"] else [],
    }


def test_metrics_with_questions_that_have_no_answer():
    golds = [("the cat", "cat sat"), ("dog",), (), ()]
    examples = [Example({}, GoldAnswers(str(n), gold)) for n, gold in enumerate(golds)]
    answers = [
        answered("cat", score=5, null_score=1),
        answered("", score=5, null_score=6, span="big dog"),
        answered("mat", score=5, null_score=8),
        answered("", score=NO_SPAN, null_score=0),
    ]
    best = {
        "best_exact": 3 / 4,
        "best_exact_threshold": -4,
        "best_f1": pytest.approx((1 + 2 / 3 + 1 + 1) / 4),
        "best_f1_threshold": 1,
    }

    # Given: right, missed, wrongly answered, rightly not.
    calibrated = QuestionAnswering(TASK.config, TASK.tokenizer)
    calibrated.calibrate({"best_f1_threshold": 3})
    received = calibrated.metrics(answers, examples)
    assert received == best | {"exact": 2 / 4, "f1": 2 / 4}

    # With the threshold that it would have: right, nearly, rightly not twice.
    received = TASK.metrics(answers, examples)
    assert received == best | {"exact": 3 / 4, "f1": best["best_f1"]}


def test_a_span_without_words_is_an_answer_to_the_official_threshold():
    examples = [
        Example({}, GoldAnswers("1", ("cat",))),
        Example({}, GoldAnswers("2", ())),
    ]
    answers = [
        answered("cat", score=5, null_score=3),
        answered("the", score=5, null_score=1),
    ]

    figures = TASK.metrics(answers, examples)

    # "the" is answered first, and costs what "cat" gains.
    assert figures["best_exact"] == figures["best_f1"] == 1 / 2
    assert figures["exact"] == 1 / 2


def test_metrics_where_each_question_has_an_answer():
    examples = [Example({}, GoldAnswers("1", (text,), (0, 3))) for text in ("cat", "dog")]
    answers = [
        answered("cat", score=5, null_score=1),
        answered("", score=5, null_score=6, span="dog"),
    ]

    assert TASK.metrics(answers, examples) == {
        "exact": 1,
        "f1": 1,
        "best_exact": 1,
        "best_f1": 1,
    }


# --- The whole way ----------------------------------------------------------------------


def write_questions(path, *, seed, count):
    rng = random.Random(seed)
    paragraphs = []
    for number in range(count):
        person, city = rng.choice(("Bob", "Alice")), rng.choice(("Paris", "London"))
        filler = [
            " ".join(rng.choices(("the", "cat", "sat", "on", "mat"), k=rng.randint(0, 9)))
            for _ in range(2)
        ]
        context = f"{filler[0]} . {person} lives in {city} . {filler[1]}"
        kind = rng.choice(("who", "where", "when"))
        answers = {"who": [person], "where": [city], "when": []}[kind]
        entry = {
            "id": str(number),
            "question": f"{kind} is it ?",
            "answers": [
                {"text": text, "answer_start": context.index(text)} for text in answers
            ],
            "is_impossible": not answers,
        }
        paragraphs.append({"context": context, "qas": [entry]})
    path.write_text(json.dumps({"data": [{"paragraphs": paragraphs}]}))
    return str(path)


def test_it_learns_and_a_loaded_model_answers_the_same(bert, tmp_path):
    eval_file = write_questions(tmp_path / "dev.json", seed=2, count=60)
    config = FinetuneConfig(
        task=TaskConfig(name="question_answering", max_seq_length=20, doc_stride=6),
        init_checkpoint=bert,
        train_file=write_questions(tmp_path / "train.json", seed=1, count=320),
        eval_file=eval_file,
        train_batch_size=16,
        learning_rate=2e-3,
        num_epochs=4,
    )
    workdir = str(tmp_path / "run")

    results = finetune_and_evaluate(config, workdir)

    assert results["best_f1"] > 0.95
    assert results["f1"] > 0.9
    task, model = load_finetuned(workdir)
    examples = task.read(eval_file, {})
    answers = answer_examples(task, model, examples, batch_size=7)
    figures = task.metrics(answers, examples)
    # The threshold that was best in evaluation is the one it answers with.
    assert task.no_answer_threshold == results["best_f1_threshold"]
    assert figures == pytest.approx({name: results[name] for name in figures})
    first = json.loads(json.dumps(next(with_answers(examples, answers))))
    assert first["target"]["id"] == examples[0].target.id
    assert first["answer"] == answers[0]["answer"]
    for answer, example in zip(answers, examples, strict=True):
        context = example.inputs["context"].encode()
        assert context[answer["start"] : answer["end"]].decode() == answer["answer"]


def test_questions_without_answers_are_not_learnt_from(tmp_path):
    entry = {"id": "q7", "question": "Who?"}
    paragraph = {"context": "Bob ran.", "qas": [entry]}
    path = tmp_path / "test.json"
    path.write_text(json.dumps({"data": [{"paragraphs": [paragraph]}]}))

    (example,) = QuestionAnswering.read(str(path), {})
    assert (example.target.id, example.target.answers) == ("q7", None)
    with pytest.raises(UserError, match=r"'answers' to each question, .* none to 'q7'"):
        QuestionAnswering.read_labelled(str(path), {})
