"""Labels of words and entities, from files to figures."""

import functools
import random
from types import SimpleNamespace

import numpy as np
import pytest
import seqeval.metrics
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities

from bert_tf.config import FinetuneConfig, TaskConfig
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary
from bert_tf.errors import UserError
from bert_tf.tasks.answering import answer_examples, answer_function, raw_answer_function
from bert_tf.tasks.entities import are_entity_labels, merge_entities, to_iob2
from bert_tf.tasks.finetuned import load_finetuned
from bert_tf.tasks.tagging import Tagging
from bert_tf.tasks.task import Example
from bert_tf.training.finetune_lib import finetune_and_evaluate
from tests.tasks.made_bert import TOKENIZER

IOB2 = ("B-LOC", "B-PER", "I-LOC", "I-PER", "O")
TOKENS = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bob", "alice", "paris", "the"),
    *("ran", ".", "in", "##s", "##ly", "zurich", "東", "京", "cafe", "un", "##a", "a"),
)


# --- Schemes -------------------------------------------------------------------------


def test_which_labels_tell_of_entities():
    assert are_entity_labels(["O", "B-PER", "I-PER"])
    assert are_entity_labels(["I-PER"])
    assert are_entity_labels(["S-PER", "E-a-b"])
    assert not are_entity_labels(["O"])
    assert not are_entity_labels([])
    assert not are_entity_labels(["O", "B-PER", "NOUN"])
    assert not are_entity_labels(["O", "B-"])
    assert are_entity_labels(["B", "I", "O"])
    assert not are_entity_labels(["I", "O", "S"])


@pytest.mark.parametrize(
    "labels",
    [
        "I-PER I-PER B-PER O I-LOC I-PER",  # IOB1
        "B-PER I-PER B-PER O B-LOC B-PER",  # IOB2
        "B-PER E-PER S-PER O S-LOC S-PER",  # BIOES
        "B-PER L-PER U-PER O U-LOC U-PER",  # BILOU
        "I-PER E-PER E-PER O I-LOC I-PER",  # none
    ],
)
def test_all_schemes_become_iob2(labels):
    assert to_iob2(labels.split()) == ["B-PER", "I-PER", "B-PER", "O", "B-LOC", "B-PER"]


def test_one_type_without_a_name():
    examples = [Example({"words": ["a", "b"]}, ["B", "O"])]

    assert to_iob2(list("IIBOI")) == list("BIBOB")
    assert Tagging.labels_of(examples) == ("B", "I", "O")
    entities = merge_entities(
        tf.ragged.constant([[0, 1, 0, 2, 1]]),
        tf.ragged.constant([[1.0, 0.5, 1.0, 1.0, 1.0]]),
        ("B", "I", "O"),
    )
    assert entities.type.to_list() == [[b"ENTITY"] * 3]
    assert entities.first.to_list() == [[0, 2, 4]]
    assert entities.last.to_list() == [[1, 2, 4]]


def labels_of(prefixes):
    return st.one_of(
        st.just("O"),
        st.builds("{}-{}".format, st.sampled_from(prefixes), st.sampled_from("XY")),
    )


def as_scheme(sentence, scheme):
    """Labels of entities [(length, type)], type O for none, as a scheme tells them."""
    labels, before = [], "O"
    for length, type_ in sentence:
        if type_ == "O":
            names = ["O"] * length
        elif scheme == "IOB1":
            names = ["B" if before == type_ else "I"] + ["I"] * (length - 1)
        elif scheme == "IOB2":
            names = ["B"] + ["I"] * (length - 1)
        else:
            names = ["S"] if length == 1 else ["B", *"I" * (length - 2), "E"]
        labels += [name if name == "O" else f"{name}-{type_}" for name in names]
        before = type_
    return labels


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["X", "Y", "O"]))))
def test_schemes_tell_the_same(sentence):
    expected = as_scheme(sentence, "IOB2")

    for scheme in ("IOB1", "IOB2", "BIOES"):
        assert to_iob2(as_scheme(sentence, scheme)) == expected


@given(st.lists(labels_of("BIES")))
def test_iob2_has_the_entities_that_seqeval_finds(labels):
    received = to_iob2(labels)

    assert get_entities(received) == get_entities(labels)
    assert to_iob2(received) == received


# --- Entities ------------------------------------------------------------------------


def slow_entities(labels, scores):
    """As conlleval.pl reads them, a word at a time."""
    entities, current = [], None
    for number, (label, score) in enumerate(zip(labels, scores, strict=True)):
        prefix, _, type_ = label.partition("-")
        if prefix == "O":
            current = None
            continue
        if current is None or prefix in "BS" or current["type"] != type_:
            current = {"type": type_, "first": number, "scores": []}
            entities.append(current)
        current["last"] = number
        current["scores"].append(score)
        if prefix in "ES":
            current = None
    return [
        (each["type"], each["first"], each["last"], np.mean(each["scores"]))
        for each in entities
    ]


ALL_LABELS = ("O", *(f"{prefix}-{type_}" for prefix in "BIES" for type_ in "XY"))


@tf.function(
    input_signature=[
        tf.RaggedTensorSpec([None, None], tf.int32, ragged_rank=1),
        tf.RaggedTensorSpec([None, None], tf.float32, ragged_rank=1),
    ]
)
def merge(label_ids, scores):
    entities = merge_entities(label_ids, scores, ALL_LABELS)
    return entities.type, entities.first, entities.last, entities.score


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(labels_of("BIES"), max_size=8), min_size=1, max_size=4))
def test_entities_are_those_of_the_slow_reference(sentences):
    scores = [
        np.random.default_rng(len(labels)).random(len(labels), np.float32)
        for labels in sentences
    ]
    lengths = [len(labels) for labels in sentences]
    ids = [ALL_LABELS.index(label) for labels in sentences for label in labels]

    received = merge(
        tf.RaggedTensor.from_row_lengths(np.array(ids, np.int32), lengths),
        tf.RaggedTensor.from_row_lengths(np.concatenate(scores), lengths),
    )

    types, first, last, means = (values.to_list() for values in received)
    for row, labels in enumerate(sentences):
        expected = slow_entities(labels, scores[row])
        assert [(type_, start, end) for type_, start, end, _ in expected] == [
            (type_.decode(), start, end)
            for type_, start, end in zip(types[row], first[row], last[row], strict=True)
        ]
        np.testing.assert_allclose(means[row], [each[-1] for each in expected], 1e-5)


# --- Words, pieces and windows -------------------------------------------------------


def make_task(labels=IOB2, *, lower_case=True, **settings):
    tokenizer = BertTokenizer(Vocabulary(TOKENS), lower_case=lower_case)
    settings = {"max_seq_length": 16, "doc_stride": 5} | settings
    return Tagging(TaskConfig(name="tagging", labels=labels, **settings), tokenizer)


def pieces_of(row):
    return [TOKENS[number] for number in row["input_word_ids"]]


def test_a_label_belongs_to_the_first_piece_of_its_word():
    task = make_task()
    task.class_weights = {"B-PER": 2.0, "O": 0.5}
    words = ["Bobsly", "\u200b", "ran", "in.Paris"]
    examples = [Example({"words": words}, ["B-PER", "O", "O", "B-LOC"], 1)]

    (row,) = task.encode(examples)

    assert pieces_of(row) == [
        *("[CLS]", "bob", "##s", "##ly", "[UNK]", "ran", "in", ".", "paris", "[SEP]")
    ]
    np.testing.assert_array_equal(row["label"], [0, 1, 0, 0, 4, 4, 0, 0, 0, 0])
    np.testing.assert_array_equal(row["label_weight"], [0, 2, 0, 0, 0.5, 0.5, 1, 0, 0, 0])
    assert row["label"].dtype == np.int32
    assert row["label_weight"].dtype == np.float32
    np.testing.assert_array_equal(row["input_mask"], np.ones(10))
    np.testing.assert_array_equal(row["input_type_ids"], np.zeros(10))
    assert row["weight"] == 1


def test_rows_of_a_batch_are_as_long_as_their_sentences():
    task = make_task()
    examples = [
        Example({"words": ["bob", "ran"]}, ["B-PER", "O"]),
        Example({"words": ["paris"]}, ["B-LOC"]),
    ]

    first, second = task.encode(examples)

    np.testing.assert_array_equal(first["label"], [0, 1, 4, 0])
    np.testing.assert_array_equal(second["label"], [0, 0, 0])
    np.testing.assert_array_equal(second["label_weight"], [0, 1, 0])


def test_a_long_sentence_is_trained_through_windows():
    task = make_task(max_seq_length=8, doc_stride=3)
    words, labels = ["bob", "ran", "in", "paris"] * 3, ["B-PER", "O", "O", "B-LOC"] * 3

    rows = list(task.encode([Example({"words": words}, labels)]))

    assert [pieces_of(row)[1:-1] for row in rows] == [words[:6], words[3:9], words[6:]]
    for row, start in zip(rows, (0, 3, 6), strict=True):
        expected = [IOB2.index(label) for label in labels[start : start + 6]]
        np.testing.assert_array_equal(row["label"], [0, *expected, 0])


def test_windows_without_a_word_are_left_out():
    task = make_task(max_seq_length=8, doc_stride=6)
    example = Example({"words": ["bob" + "s" * 17, "ran"]}, ["B-PER", "O"])

    rows = list(task.encode([example]))

    assert [row["label_weight"].sum() for row in rows] == [1, 1]
    assert pieces_of(rows[1]) == ["[CLS]", "ran", "[SEP]"]


def test_a_row_of_weight_0_counts_for_nothing():
    task = make_task()
    batch = {
        "label": tf.constant([[0, 1, 0], [0, 2, 0]]),
        "label_weight": tf.constant([[0.0, 3.0, 0.0], [0.0, 1.0, 0.0]]),
        "weight": tf.constant([1.0, 0.0]),
    }
    logits = np.zeros([2, 3, 5], np.float32)
    logits[0, 1, 1] = 2.0

    sums = task.weighted_sums({"logits": tf.constant(logits)}, batch)

    assert float(task.loss_weights(batch)["loss"]) == 3.0
    assert float(sums["accuracy"][0]) == float(sums["accuracy"][1]) == 3.0
    expected = -3 * np.log(np.exp(2) / (np.exp(2) + 4))
    assert float(sums["loss"][0]) == pytest.approx(expected, rel=1e-5)


def label_of_pieces(labels_of_pieces, *, num_labels, ask=None):
    """A model that knows the label's number of each piece."""
    table = np.zeros([len(TOKENS), num_labels], np.float32)
    for piece, label in labels_of_pieces.items():
        table[TOKENS.index(piece), label] = 5.0

    def model(inputs):
        if ask is not None:
            ask(inputs)
        return {"logits": tf.gather(table, inputs["input_word_ids"])}

    return model


# "##ly" would be O: what a later piece says is not asked.
NAMES = {"bob": 1, "alice": 3, "paris": 0, "zurich": 0, "東": 0, "京": 2, "cafe": 0}
BY_NAME = label_of_pieces(
    {piece: NAMES.get(piece, 4) for piece in TOKENS}, num_labels=len(IOB2)
)


def plain(task, outputs):
    arrays = {name: values.numpy() for name, values in outputs.items()}
    count = len(arrays["labels"])
    return [task.to_plain(arrays, row) for row in range(count)]


def answer_words(task, model, sentences):
    words = tf.ragged.constant(sentences, tf.string, ragged_rank=1).to_tensor("")
    return plain(task, answer_function(task, model)(words=words))


def test_answers_to_words():
    task = make_task()
    words = ["Bobsly", "Alice", "ran", "", "Paris", "Zurich", "alice"]

    first, second = answer_words(task, BY_NAME, [["the", "cafe"], words])

    assert first["labels"] == ["O", "B-LOC"]
    assert second["labels"] == [*("B-PER", "I-PER", "O", "O", "B-LOC", "B-LOC", "I-PER")]
    score = np.exp(5) / (np.exp(5) + 4)
    np.testing.assert_allclose(second["scores"], [score] * 7, rtol=1e-5)
    assert [
        (each["label"], each["first"], each["last"]) for each in second["entities"]
    ] == [("PER", 0, 1), ("LOC", 4, 4), ("LOC", 5, 5), ("PER", 6, 6)]
    assert [each["score"] for each in second["entities"]] == [pytest.approx(score)] * 4
    assert list(second) == ["labels", "scores", "entities"]


def test_nothing_gets_no_labels():
    task = make_task()

    answers = answer_words(task, BY_NAME, [[""], ["", ""]])

    assert answers == [{"labels": [], "scores": [], "entities": []}] * 2


def test_labels_of_no_entities():
    task = make_task(labels=("NOUN", "VERB"))
    model = label_of_pieces({"ran": 1}, num_labels=2)

    (answer,) = answer_words(task, model, [["bob", "ran"]])

    assert task.main_metric == "accuracy"
    assert answer["labels"] == ["NOUN", "VERB"]
    assert list(answer) == ["labels", "scores"]


@settings(max_examples=15, deadline=None)
@given(
    sentences=st.lists(
        st.lists(
            st.sampled_from(["bob", "bobsss", "", "ran", "paris", "alicesly", "in.the"]),
            max_size=30,
        ),
        min_size=1,
        max_size=4,
    ),
    stride=st.integers(1, 9),
)
def test_each_word_of_a_long_sentence_is_judged_once(sentences, stride):
    # What is empty at the end of a sentence would be no word.
    sentences = [[*words, "ran"] for words in sentences]
    seen = []

    def check_length(inputs):
        seen.append(inputs["input_word_ids"].shape[1])

    task = make_task(max_seq_length=8, doc_stride=stride)
    model = label_of_pieces(
        {piece: NAMES.get(piece, 4) for piece in TOKENS}, num_labels=5, ask=check_length
    )
    words = tf.ragged.constant(sentences, tf.string, ragged_rank=1).to_tensor("")

    answers = plain(task, task.answer(model, {"words": words}))

    label = {"bobsss": "B-PER", "bob": "B-PER", "paris": "B-LOC", "alicesly": "I-PER"}
    for sentence, answer in zip(sentences, answers, strict=True):
        assert answer["labels"] == [label.get(word, "O") for word in sentence]
    assert max(seen) <= 8


def test_words_are_judged_where_they_have_most_context():
    def first_of_window(inputs):
        """A label for where in its window a piece stands."""
        shape = tf.shape(inputs["input_word_ids"])
        places = tf.tile(tf.range(shape[1])[tf.newaxis], [shape[0], 1])
        return {"logits": tf.one_hot(places, 8)}

    task = make_task(labels=tuple("01234567"), max_seq_length=8, doc_stride=2)

    (answer,) = answer_words(task, first_of_window, [["bob"] * 8])

    # Windows of six begin at the first word and the third, and [CLS] is before each. The
    # fourth word has two after it in the first, the fifth two before it in the second.
    assert answer["labels"] == list("12343456")


# --- Raw text ------------------------------------------------------------------------


def answer_text(task, model, texts):
    return plain(task, raw_answer_function(task, model)(text=tf.constant(texts)))


def source(text, start, end):
    return text.encode()[start:end].decode()


TEXTS = ["Bobsly ran in PARIS.", "", "é Zürich, alíce  Café 東京東 \u200b bob.", "   "]


def test_answers_to_text():
    task = make_task()

    first, nothing, other, blank = answer_text(task, BY_NAME, TEXTS)

    assert first["words"] == ["Bobsly", "ran", "in", "PARIS", "."]
    assert first["labels"] == ["B-PER", "O", "O", "B-LOC", "O"]
    assert [(each["label"], each["text"]) for each in first["entities"]] == [
        *(("PER", "Bobsly"), ("LOC", "PARIS"))
    ]
    assert first["entities"][1] == {
        "label": "LOC",
        "text": "PARIS",
        "start": 14,
        "end": 19,
        "score": pytest.approx(first["scores"][3]),
    }
    assert other["words"] == [
        *("é", "Zürich", ",", "alíce", "Café", "東", "京", "東", "bob", ".")
    ]
    assert [(each["label"], each["text"]) for each in other["entities"]] == [
        *(("LOC", "Zürich"), ("PER", "alíce"), ("LOC", "Café"), ("LOC", "東京")),
        *(("LOC", "東"), ("PER", "bob")),
    ]
    assert nothing == blank
    assert nothing == {
        name: [] for name in ("words", "starts", "ends", "labels", "scores", "entities")
    }


@functools.cache
def text_function(lower_case):
    task = make_task(max_seq_length=8, doc_stride=3, lower_case=lower_case)
    return task, raw_answer_function(task, BY_NAME)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(
                [
                    "bob",
                    "Zürich",
                    "東京",
                    "e\u0301",
                    ".",
                    "\u0301",
                    "한국",
                    "x" * 300,
                    "�",
                    "bobs",
                ]
            ),
            max_size=12,
        ).map(" ".join),
        min_size=1,
        max_size=3,
    ),
    st.booleans(),
)
def test_bytes_are_those_of_the_words(texts, lower_case):
    task, function = text_function(lower_case)

    answers = plain(task, function(text=tf.constant(texts)))

    for text, answer in zip(texts, answers, strict=True):
        assert answer["words"] == [
            source(text, start, end)
            for start, end in zip(answer["starts"], answer["ends"], strict=True)
        ]
        assert len(answer["labels"]) == len(answer["scores"]) == len(answer["words"])
        assert all(answer["words"])
        for entity in answer["entities"]:
            assert entity["text"] == source(text, entity["start"], entity["end"])
        spans = [(each["start"], each["end"]) for each in answer["entities"]]
        expected = slow_entities(answer["labels"], answer["scores"])
        assert spans == [
            (answer["starts"][first], answer["ends"][last])
            for _, first, last, _ in expected
        ]


def test_words_and_text_get_the_same_labels():
    task = make_task()
    (of_text,) = answer_text(task, BY_NAME, ["Bobs ran in Zürich 東京."])

    (of_words,) = answer_words(task, BY_NAME, [of_text["words"]])

    assert of_words["labels"] == of_text["labels"]
    assert of_words["scores"] == of_text["scores"]
    assert [each["label"] for each in of_words["entities"]] == [
        each["label"] for each in of_text["entities"]
    ]


# --- Figures -------------------------------------------------------------------------


def figures_of(expected, received, labels=IOB2):
    task = Tagging(TaskConfig(name="tagging", labels=labels), tokenizer=None)
    return task.metrics(
        [{"labels": each.split()} for each in received],
        [Example({}, each.split()) for each in expected],
    )


def test_figures_by_hand():
    figures = figures_of(
        ["B-PER I-PER O B-LOC", "B-LOC O"],
        # Right: B-LOC, and an entity that begins with I-. Wrong: one that is too short,
        # and one of another type.
        ["B-PER O O I-LOC", "B-PER O"],
    )

    # I-LOC is the entity and not the label.
    assert figures["accuracy"] == pytest.approx(3 / 6)
    assert figures["precision"] == pytest.approx(1 / 3)
    assert figures["recall"] == pytest.approx(1 / 3)
    assert figures["f1"] == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("labels", "received"),
    [
        ("O B-PER I-PER E-PER S-PER", "B-PER E-PER S-PER O"),
        ("O B-PER I-PER L-PER U-PER", "B-PER L-PER U-PER O"),
    ],
)
def test_figures_of_a_model_of_another_scheme(labels, received):
    figures = figures_of(["B-PER I-PER B-PER O"], [received], labels.split())

    assert set(figures.values()) == {1.0}


def test_figures_where_nothing_is_found():
    assert figures_of(["B-PER O"], ["O O"]) == {
        "accuracy": 0.5,
        "precision": 0.0,
        "recall": 0.0,
        "f1": 0.0,
    }


def test_figures_of_parts_of_speech():
    labels = ("NOUN", "VERB")

    assert figures_of(["NOUN VERB", "NOUN"], ["NOUN NOUN", "NOUN"], labels) == {
        "accuracy": pytest.approx(2 / 3)
    }


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(labels_of("BI"), labels_of("BI")), min_size=1, max_size=8),
        min_size=1,
        max_size=4,
    )
)
def test_figures_count_the_entities_that_the_decoder_finds(sentences):
    expected = [[pair[0] for pair in sentence] for sentence in sentences]
    received = [[pair[1] for pair in sentence] for sentence in sentences]

    figures = figures_of(
        map(" ".join, expected),
        map(" ".join, received),
        ("B-X", "I-X", "B-Y", "I-Y", "O"),
    )

    def entities(rows):
        return {
            (number, *entity[:3])
            for number, labels in enumerate(rows)
            for entity in slow_entities(labels, [0.0] * len(labels))
        }

    true, found = entities(expected), entities(received)
    right = len(true & found)
    precision, recall = right / max(len(found), 1), right / max(len(true), 1)
    assert figures["precision"] == pytest.approx(precision)
    assert figures["recall"] == pytest.approx(recall)
    assert figures["f1"] == pytest.approx(2 * right / max(len(true) + len(found), 1))
    assert figures["f1"] == seqeval.metrics.f1_score(expected, received, zero_division=0)


# --- Files ---------------------------------------------------------------------------


def test_files_of_entities_become_iob2(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Bob NNP I-PER\nran VBD O\n\nAlice NNP S-LOC\n")

    examples = Tagging.read(str(path), {})

    assert examples == [
        Example({"words": ["Bob", "ran"]}, ["B-PER", "O"], 1),
        Example({"words": ["Alice"]}, ["B-LOC"], 4),
    ]
    # An entity of two words may come later.
    assert Tagging.labels_of(examples) == IOB2
    assert make_task(IOB2).main_metric == "f1"


def test_other_labels_stay_as_they_are(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("Bob NNP I-PER\nran VBD O\n")

    examples = Tagging.read(str(path), {"label": "1"})

    assert examples == [Example({"words": ["Bob", "ran"]}, ["NNP", "VBD"], 1)]
    assert Tagging.labels_of(examples) == ("NNP", "VBD")


def test_a_label_that_does_not_fit_the_others_is_told_with_its_line(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("EU I-ORG\nsays O\n\nBob I_PER\n")

    with pytest.raises(UserError, match=r"a\.conll:4: expected O or .* received 'I_PER'"):
        Tagging.read(str(path), {})


def test_a_model_of_another_scheme_is_evaluated_and_not_trained(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("EU I-ORG\nsays O\n")
    task = make_task(("I-ORG", "O"))
    examples = task.read(str(path), {})

    task.check(examples, str(path))

    with pytest.raises(
        UserError, match=r"labels: expected B-ORG too, .* received I-ORG, O"
    ):
        next(task.encode(examples))


def test_balanced_classes_count_words():
    task = make_task(("O", "X"))

    task.balance_classes([Example({}, ["O", "O", "X"]), Example({}, ["O"])])

    assert task.class_weights == {"O": 4 / 6, "X": 2.0}


# --- End to end ----------------------------------------------------------------------


def write_sentences(path, *, seed, count):
    """People and places; what "paris" is depends on the word before it."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        for _ in range(rng.randint(1, 3)):
            person = rng.sample(["bob", "alice", "paris", "london"], rng.randint(1, 2))
            lines += [f"{word} {'I-PER'}" for word in person]
            lines += ["lives O", "in O", f"{rng.choice(['paris', 'london'])} I-LOC"]
            lines += [rng.choice([". O", "and O", "or O"])]
        lines.append("")
    path.write_text("\n".join(lines))
    return str(path)


@pytest.fixture(scope="module")
def finetuned(bert, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tagging")
    config = FinetuneConfig(
        task=TaskConfig(name="tagging", max_seq_length=12, doc_stride=5),
        init_checkpoint=bert,
        train_file=write_sentences(folder / "train.conll", seed=1, count=160),
        eval_file=write_sentences(folder / "dev.conll", seed=2, count=40),
        train_batch_size=8,
        learning_rate=2e-3,
        num_epochs=4,
    )
    workdir = str(folder / "run")
    results = finetune_and_evaluate(config, workdir)
    task, model = load_finetuned(workdir)
    return SimpleNamespace(
        results=results, task=task, model=model, examples=task.read(config.eval_file, {})
    )


def test_it_learns(finetuned):
    assert finetuned.task.config.labels == IOB2
    assert finetuned.results["f1"] > 0.95
    assert finetuned.results["accuracy"] > 0.95
    assert finetuned.results["num_examples"] == 40


def test_a_loaded_model_answers_as_it_was_evaluated(finetuned):
    task, examples = finetuned.task, finetuned.examples

    answers = answer_examples(task, finetuned.model, examples, batch_size=7)

    figures = task.metrics(answers, examples)
    assert figures == {name: finetuned.results[name] for name in figures}


def test_answers_do_not_depend_on_the_batch(finetuned):
    task, examples = finetuned.task, finetuned.examples

    one_by_one = answer_examples(task, finetuned.model, examples, batch_size=1)
    together = answer_examples(task, finetuned.model, examples, batch_size=40)

    for alone, beside, example in zip(one_by_one, together, examples, strict=True):
        assert len(alone["labels"]) == len(example.inputs["words"])
        assert alone["labels"] == beside["labels"]
        np.testing.assert_allclose(alone["scores"], beside["scores"], atol=1e-5)
        for one, other in zip(alone["entities"], beside["entities"], strict=True):
            assert one == other | {"score": pytest.approx(other["score"], abs=1e-5)}


def test_a_learnt_model_answers_text(finetuned):
    (answer,) = answer_text(
        finetuned.task, finetuned.model, ["Bob Alice lives in Paris and london."]
    )

    assert [(each["label"], each["text"]) for each in answer["entities"]][:2] == [
        *(("PER", "Bob Alice"), ("LOC", "Paris"))
    ]


def test_a_learnt_model_labels_words_that_nobody_has(finetuned, tmp_path):
    (tmp_path / "test.conll").write_text("bob\nran\n.\n\nparis\n")

    examples = Tagging.read(str(tmp_path / "test.conll"), {})
    answers = answer_examples(finetuned.task, finetuned.model, examples, batch_size=2)

    assert [example.target for example in examples] == [None, None]
    assert [len(answer["labels"]) for answer in answers] == [3, 1]
    with pytest.raises(UserError, match=r"test\.conll:1: expected a label, received non"):
        Tagging.read_labelled(str(tmp_path / "test.conll"), {})


def test_an_unknown_label_is_told_with_its_own_line(tmp_path):
    path = tmp_path / "dev.conll"
    path.write_text("a\tO\n\nb\tO\nc\tB-Z\n")
    task = Tagging(TaskConfig(labels=("B-X", "I-X", "O")), TOKENIZER)

    with pytest.raises(UserError, match=r"dev\.conll:4: .* received 'B-Z'"):
        task.check(task.read(str(path), {}), str(path))


@pytest.mark.parametrize(
    ("labels", "lines", "expected"),
    [
        (("B-X", "I-X", "O"), ["EU NNP S-X", ". . O"], True),
        (("B-X", "I-X", "O"), ["-DOCSTART- -X- O", "EU NNP I-X"], True),
        (("B-X", "I-X", "O"), ["EU NNP S-Z"], False),
        (("B-X", "I-X", "O"), ["a word to O", "and O"], False),
        (("B-X", "I-X", "O"), ["O"], False),
        ((".", "NN"), ["Hello .", "Good day ."], False),
        ((".", "NN"), ["day\tNN", ".\t."], True),
    ],
)
def test_files_of_labelled_words_are_told_from_texts(labels, lines, expected):
    task = Tagging(TaskConfig(labels=labels), TOKENIZER)

    assert task.are_examples(lines) is expected
