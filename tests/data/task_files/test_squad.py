"""Files of questions, and what becomes of offsets that are wrong."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_tf.data.task_files.squad import GoldAnswers, Question, _nearest, read_squad
from bert_tf.errors import UserError

CONTEXT = "Bob lives in Paris. Alice lives in Paris."


def entry(question="Who?", answers=(("Bob", 0),), number=1, **others):
    return {
        "id": f"q{number}",
        "question": question,
        "answers": [{"text": text, "answer_start": start} for text, start in answers],
        **others,
    }


def written(tmp_path, *entries, context=CONTEXT):
    path = tmp_path / "a.json"
    paragraph = {"context": context, "qas": list(entries)}
    content = {"version": "1.1", "data": [{"title": "t", "paragraphs": [paragraph]}]}
    path.write_text(json.dumps(content))
    return path


def test_answers_and_none(tmp_path):
    path = written(
        tmp_path,
        entry("Who lives?", (("Bob", 0), ("Alice", 20))),
        entry("Where?", (("Paris", 35),), 2, is_impossible=False),
        entry("When?", (), 3, is_impossible=True, plausible_answers=[]),
        entry("Who?", (("Bob", 0),), 4, is_impossible=True),
    )

    assert read_squad(str(path)) == [
        Question("Who lives?", CONTEXT, GoldAnswers("q1", ("Bob", "Alice"), (0, 3))),
        Question("Where?", CONTEXT, GoldAnswers("q2", ("Paris",), (35, 40))),
        Question("When?", CONTEXT, GoldAnswers("q3")),
        Question("Who?", CONTEXT, GoldAnswers("q4", ("Bob",), (0, 3))),
    ]


def test_a_question_that_waits_for_its_answer(tmp_path, caplog):
    path = written(tmp_path, without("answers"), entry(number=2))

    with caplog.at_level("WARNING"):
        waits, answered = (question.gold for question in read_squad(str(path)))

    assert (waits.answers, waits.is_trainable) == (None, False)
    assert answered.is_trainable
    assert not caplog.text


def test_ids_may_be_numbers(tmp_path):
    path = written(tmp_path, entry() | {"id": 262})

    assert read_squad(str(path))[0].gold.id == "262"


def test_the_answer_that_is_where_it_should_be(tmp_path, caplog):
    path = written(
        tmp_path,
        entry(answers=[("London", 0), ("Alice", 20)], number=1),
        entry(answers=[("Paris", 0), ("Bob", 0)], number=2),
        entry(answers=[("London", 0), ("Bob", 3), ("Paris", 14)], number=3),
    )

    with caplog.at_level("WARNING"):
        golds = [question.gold for question in read_squad(str(path))]

    assert [gold.span for gold in golds] == [(20, 25), (0, 3), (0, 3)]
    assert golds[0].answers == ("London", "Alice")
    assert "answers to 1 of 3 questions are not at their offsets" in caplog.text


def test_questions_and_contexts_without_text_are_counted(tmp_path, caplog):
    path = written(tmp_path, entry(" "), entry("Who?", number=2))

    with caplog.at_level("WARNING"):
        assert len(read_squad(str(path))) == 2

    assert "1 of 2 questions, or their contexts, have no text" in caplog.text


def test_compressed(tmp_path):
    path = written(tmp_path, entry())
    packed = tmp_path / "a.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    assert read_squad(str(packed)) == read_squad(str(path))


def test_offsets_count_characters_in_the_file_and_bytes_here(tmp_path):
    context = "Zoë 😀 lebt in Köln."
    path = written(tmp_path, entry(answers=[("Köln", 14)]), context=context)

    (question,) = read_squad(str(path))

    start, end = question.gold.span
    assert context.encode()[start:end].decode() == "Köln"
    assert start == 14 + 1 + 3


def test_wrong_offsets_are_mended_or_told(tmp_path, caplog):
    path = written(
        tmp_path,
        entry(answers=[("Paris", 30)], number=1),
        entry(answers=[("Paris", 0)], number=2),
        entry(answers=[("Paris", -3)], number=3),
        entry(answers=[("Bob", 999)], number=4),
        entry(answers=[("London", 0)], number=5),
        entry(answers=[(" ", 3)], number=6),
        entry(number=7),
        entry(answers=[], number=8),
    )

    with caplog.at_level("WARNING"):
        golds = [question.gold for question in read_squad(str(path))]

    spans = [(35, 40), (13, 18), (13, 18), (0, 3), None, None, (0, 3), None]
    assert [gold.span for gold in golds] == spans
    assert [gold.is_trainable for gold in golds] == [
        *(True, True, True, True),
        *(False, False),
        *(True, True),
    ]
    assert "answers to 6 of 8 questions are not at their offsets" in caplog.text
    assert "4 are taken from the nearest place" in caplog.text
    assert "2 are left out of training" in caplog.text


@given(
    context=st.text("ab", max_size=12),
    text=st.text("ab", min_size=1, max_size=3),
    offset=st.integers(-2, 14),
)
def test_the_nearest_place(context, text, offset):
    places = [i for i in range(len(context)) if context.startswith(text, i)]

    received = _nearest(context, text, offset)

    if not places:
        assert received is None
    else:
        assert received in places
        assert abs(received - offset) == min(abs(place - offset) for place in places)


def test_nothing_is_said_of_good_files(tmp_path, caplog):
    with caplog.at_level("WARNING"):
        read_squad(str(written(tmp_path, entry())))

    assert not caplog.records


def without(key, **others):
    return {name: value for name, value in entry().items() if name != key} | others


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (without("id"), "question 2: expected 'id', received question, answers; add it"),
        (without("question"), "question 2: expected 'question'"),
        (without("", answers={}), "expected a list as 'answers', received dict"),
        (without("", answers=["Bob"]), "answer 1: expected an object, received str"),
        (without("", answers=[{"text": "Bob"}]), "answer 1: expected 'answer_start'"),
        (
            without("", answers=[{"text": "Bob", "answer_start": "0"}]),
            "question 2: answer 1: expected a whole number as 'answer_start', received "
            "str; mend it",
        ),
        (
            without("", question=None),
            "a string as 'question', received NoneType",
        ),
        ([], "question 2: expected an object, received list"),
    ],
)
def test_broken_questions_are_told_with_their_place(broken, message, tmp_path):
    path = written(tmp_path, entry(), broken)

    with pytest.raises(UserError) as error:
        read_squad(str(path))

    assert f"{path}: article 1: paragraph 1: question 2" in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"data": [\n{"paragraphs"}]}', r"a\.json:2: expected JSON"),
        ("", r"a\.json:1: expected JSON"),
        ('{"data":\n"\\ud83d?"}', r"a\.json:2: .* which is half of a character; mend it"),
        ("[]", r"a\.json: expected an object, received list"),
        ("{}", r"a\.json: expected 'data', received nothing"),
        ('{"data": [{}]}', r"a\.json: article 1: expected 'paragraphs'"),
        ('{"data": []}', r"a\.json: expected questions, received none"),
        (
            '{"data": [{"paragraphs": [{"context": "", "qas": []}, {"context": ""}]}]}',
            r"a\.json: article 1: paragraph 2: expected 'qas', received context",
        ),
        (
            '{"data": [{"paragraphs": [{"qas": [{"question": ""}]}]}]}',
            r"article 1: paragraph 1: expected 'context', received qas",
        ),
    ],
)
def test_broken_files(text, message, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)

    with pytest.raises(UserError, match=message):
        read_squad(str(path))


def test_real_files(shared):
    folder = shared / "data" / "qa"
    if not folder.is_dir():
        pytest.skip("needs data/qa")
    for path in folder.glob("*.json"):
        questions = read_squad(str(path))
        assert len(questions) > 100
        for question in questions:
            if question.gold.span:
                start, end = question.gold.span
                text = question.context.encode()[start:end].decode()
                assert text == question.gold.answers[0]
