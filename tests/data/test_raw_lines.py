"""What programs are given line by line, and what is told of broken lines."""

import pytest

from bert_tf.data.raw_lines import parse_lines
from bert_tf.errors import UserError

PAIR = {"text": 1, "text_pair": 1}


def parse(*lines, ranks, are_objects=False):
    return list(parse_lines("a.jsonl", lines, ranks, are_objects=are_objects))


def test_texts_and_objects():
    assert parse("a", "", ranks={"text": 1}) == [{"text": "a"}, {"text": ""}]
    assert parse('{"text": "a", "id": 3}', ranks={"text": 1}, are_objects=True) == [
        {"text": "a"}
    ]
    assert parse('{"text": "a", "text_pair": "b"}', ranks=PAIR) == [
        {"text": "a", "text_pair": "b"}
    ]
    assert parse('{"text": "", "choices": ["a"]}', ranks={"text": 1, "choices": 2}) == [
        {"text": "", "choices": ["a"]}
    ]


def test_blank_lines_between_objects_are_passed_over():
    lines = ('{"text": "a"}', " ", '{"text": "b"}')

    assert parse(*lines, ranks={"text": 1}, are_objects=True) == [
        {"text": "a"},
        {"text": "b"},
    ]


@pytest.mark.parametrize("line", ["a", "[]", '{"text": "a"}', "[" * 100_000])
def test_lines_that_are_no_inputs(line):
    expected = r"a\.jsonl:2: expected a JSON object with text, text_pair, received"
    with pytest.raises(UserError, match=expected):
        parse('{"text": "a", "text_pair": "b"}', line, ranks=PAIR)


@pytest.mark.parametrize("value", ["5", "null", "true", '["a"]', '{"a": "b"}'])
def test_what_is_no_text(value):
    with pytest.raises(UserError, match=r"a\.jsonl:2: expected a text as 'text', rec"):
        parse(
            '{"text": "a"}', f'{{"text": {value}}}', ranks={"text": 1}, are_objects=True
        )


@pytest.mark.parametrize("value", ['"ab"', "null", "[]", "[1]", '["a", null]', '[["a"]]'])
def test_what_is_no_list_of_texts(value):
    with pytest.raises(UserError, match=r"a\.jsonl:1: expected a list of texts as 'choi"):
        parse(f'{{"choices": {value}}}', ranks={"choices": 2})


def test_half_of_a_character():
    with pytest.raises(UserError, match=r"a\.jsonl:1: .* \\ud83d, which is half of a ch"):
        parse(r'{"text": "\ud83d"}', ranks={"text": 1}, are_objects=True)
