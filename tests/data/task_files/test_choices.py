"""Files of questions with choices, and what is told of broken ones."""

import gzip
import json

import pytest

from bert_tf.data.task_files.choices import Question, read_questions
from bert_tf.errors import UserError

SWAG = ",video-id,fold-ind,startphrase,sent1,sent2,gold-source,ending0,ending1,ending2,"
SWAG += "ending3,label\n"


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def objects(*values):
    return "".join(f"{json.dumps(value)}\n" for value in values)


def openbookqa(key="B", **overrides):
    choices = [{"text": "sun", "label": "A"}, {"text": "moon", "label": "B"}]
    value = {
        "id": "7-1",
        "question": {"stem": "It shines by night", "choices": choices} | overrides,
        "fact1": "the moon shines by night",
    }
    return value | ({"answerKey": key} if key else {})


def story(questions=4, story="Bob ran.\\newlineHe fell.\\tab"):
    cells = ["mc160.dev.0", "Author: 0;Work Time(s): 9", story]
    for number in range(questions):
        kind = "multiple" if number % 2 else "one"
        cells += [f"{kind}: Who ran: {number}?", "Bob", "Al", "a \\newline b", "Ed"]
    return "\t".join(cells) + "\n"


def test_swag(tmp_path):
    path = written(
        tmp_path,
        "val.csv",
        f'{SWAG}0,v,1,"Bob sits, he",Bob sits,he,gold,a,b,"c, d",e,2\n',
    )

    assert read_questions(path, {}) == [
        Question("Bob sits, he", ("a", "b", "c, d", "e"), 2, 2)
    ]


def test_swag_of_two_columns_without_labels(tmp_path):
    path = written(
        tmp_path,
        "test.csv",
        "sent1,sent2,ending0,ending1,ending2,ending3\nBob sits.,He,a,b,c,d\n",
    )

    assert read_questions(path, {}) == [
        Question("Bob sits. He", ("a", "b", "c", "d"), None, 2)
    ]


def test_openbookqa_with_and_without_its_fact(tmp_path):
    path = written(tmp_path, "dev_complete.jsonl", objects(openbookqa()))

    assert read_questions(path, {}) == [
        Question("It shines by night", ("sun", "moon"), 1, 1)
    ]
    assert read_questions(path, {"fact": "fact1"}) == [
        Question("the moon shines by night It shines by night", ("sun", "moon"), 1, 1)
    ]


def test_openbookqa_without_answers(tmp_path):
    path = written(tmp_path, "test.jsonl", objects(openbookqa(None)))

    assert read_questions(path, {})[0].answer is None


def test_numbered_choices_of_arc(tmp_path):
    choices = [{"text": "sun", "label": "1"}, {"text": "moon", "label": "2"}]
    path = written(
        tmp_path, "arc.jsonl", objects(openbookqa("1", choices=choices), openbookqa("A"))
    )

    assert [question.answer for question in read_questions(path, {})] == [0, 0]


def test_mctest(tmp_path):
    path = written(tmp_path, "mc160.dev.tsv", story() + story())
    written(tmp_path, "mc160.dev.ans", "A\tB\tC\tD\nD\tC\tB\tA\n")

    questions = read_questions(path, {})

    assert len(questions) == 8
    assert questions[1] == Question(
        "Who ran: 1?\nBob ran.\nHe fell.\t", ("Bob", "Al", "a \n b", "Ed"), 1, 1
    )
    assert [question.answer for question in questions] == [0, 1, 2, 3, 3, 2, 1, 0]
    assert questions[7].line == 2


def test_compressed_mctest(tmp_path):
    path = written(tmp_path, "a.tsv.gz", gzip.compress(story().encode()))
    written(tmp_path, "a.ans.gz", gzip.compress(b"A\tB\tC\tD\n"))

    assert len(read_questions(path, {})) == 4


def test_objects_with_numbers_and_letters(tmp_path):
    path = written(
        tmp_path,
        "a.jsonl",
        objects(
            {"text": "é", "choices": ["a", "b", "c"], "label": 2},
            {"text": "x", "choices": ["a", "b"], "label": "B"},
        ),
    )

    assert read_questions(path, {}) == [
        Question("é", ("a", "b", "c"), 2, 1),
        Question("x", ("a", "b"), 1, 2),
    ]


def test_columns_by_name_and_by_number(tmp_path):
    named = written(
        tmp_path, "a.jsonl", objects({"ctx": "x", "endings": ["a", "b"], "gold": 1})
    )
    numbered = written(tmp_path, "b.tsv", "1\tx\tb\ta\n")

    assert read_questions(
        named, {"text": "ctx", "choices": "endings", "label": "gold"}
    ) == [Question("x", ("a", "b"), 1, 1)]
    assert read_questions(
        numbered, {"text": "1", "label": "0", "choice1": "2", "choice0": "3"}
    ) == [Question("x", ("a", "b"), 1, 1)]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": "0"}, r"text, choices, \[text_end\], \[label\], received text;"),
        ({"choice0": "1", "choice1": "2"}, "text, choice0, choice1, .* received choice0"),
        (
            {"text": "0", "choices": "1", "answer": "2"},
            ".* text, choices, answer;",
        ),
    ],
)
def test_columns_that_are_not_those_of_questions(columns, message, tmp_path):
    with pytest.raises(UserError, match=f"--columns: expected {message}"):
        read_questions(written(tmp_path, "a.tsv", "x\ta\tb\n"), columns)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "a.csv",
            f"{SWAG}0,v,1,p,q,r,gold,a,b,c,d,0\n0,v,1,p,q,r,gold,a,b,c,d,4\n",
            r"a\.csv:3: expected the label of one of the 4 choices \(0, 1, 2, 3\), "
            "received '4'",
        ),
        (
            "a.csv",
            f"{SWAG}0,v,1,p,q,r,g,a,,c,d,0\n",
            r"a\.csv:2: expected something in the column 'ending",
        ),
        (
            "a.jsonl",
            objects({"text": "x", "choices": ["a"], "label": 0}),
            r"a\.jsonl:1: expected 2 choices or more, received 1",
        ),
        (
            "a.jsonl",
            objects({"text": "x", "choices": ["a", "b"], "label": "C"}),
            r"a\.jsonl:1: expected the label of one of the 2",
        ),
        (
            "a.jsonl",
            objects({"text": "x", "choices": "ab", "label": 0}),
            r"a\.jsonl:1: expected a list of texts as choices, received 'ab'",
        ),
        ("a.jsonl", objects(openbookqa(), openbookqa("C")), r"a\.jsonl:2: .*\(A, B\)"),
        (
            "a.jsonl",
            objects(openbookqa(choices=["sun"])),
            r"a\.jsonl:1: expected a question with a stem",
        ),
        (
            "a.csv",
            'text,choices\nx,"[""\\ud83d"", ""b""]"\n',
            r"a\.csv:2: expected a list of texts as choices",
        ),
        (
            "a.jsonl",
            objects({"text": "\ud83d", "choices": ["a", "b"], "label": 0}),
            r"a\.jsonl:1: .* half of a character",
        ),
        ("a.jsonl", objects({"text": "x"}), r"a\.jsonl:1: expected a table of a known"),
        ("a.tsv", story(), r"a\.tsv: expected the answers beside it in '.*a\.ans'"),
    ],
)
def test_broken_files(name, text, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_questions(written(tmp_path, name, text), {})


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ("A\tB\tC\n", r"a\.ans:1: expected 4 letters of ABCD, received 'A B C'"),
        ("\nA\tB\tC\tE\n", r"a\.ans:2: expected 4 letters of ABCD, received 'A B C E'"),
        ("", r"a\.ans: expected a line for each of the 1 stories"),
    ],
)
def test_broken_answers(answers, message, tmp_path):
    path = written(tmp_path, "a.tsv", story())
    written(tmp_path, "a.ans", answers)

    with pytest.raises(UserError, match=message):
        read_questions(path, {})


def test_all_of_openbookqa(shared):
    folder = shared / "data" / "multiple_choice" / "openbookqa"
    if not folder.is_dir():
        pytest.skip("needs OpenBookQA")
    questions = read_questions(str(folder / "dev_complete.jsonl"), {})

    assert len(questions) == 500
    assert questions[0].choices[questions[0].answer] == "Deep sea animals"
    assert {len(question.choices) for question in questions} == {4}
