"""Labels that docstrings give of themselves."""

import json

import pytest

from bert_tf import errors
from pipelines import docstring_examples
from pipelines.docstring_examples import Example
from pipelines.docstrings import Docstring
from tests.made_packages import BODY, SUMMARY, make_packages


def docstring_of(*sentences):
    return Docstring("\n\n".join(sentences), sentences)


# --- Classification --------------------------------------------------------------------


def test_a_text_does_not_name_its_package():
    docstring = docstring_of(
        SUMMARY, "It takes a NumPy array.", "See tf.count.", "Of apache_beam.", BODY[0]
    )
    text, record = docstring_examples.classification_example(docstring, "keras")
    assert text == f"{SUMMARY} {BODY[0]}"
    assert record == {"text": text, "label": "keras"}


def test_a_text_has_as_many_whole_sentences_as_fit():
    docstring = docstring_of(SUMMARY, *BODY)
    text, _ = docstring_examples.classification_example(docstring, "keras")
    assert text == " ".join([SUMMARY, *BODY[:4]])
    assert len(text.split()) <= docstring_examples.MAX_WORDS < len(text.split()) + 8
    short = docstring_of(SUMMARY)
    assert docstring_examples.classification_example(short, "keras") is None


def test_texts_of_several_packages_are_left_out():
    examples = [
        Example(text, {"label": label})
        for text, label in ["aB", "bA", "AA", "bB", "cA", "cA"]
    ]
    kept = docstring_examples.without_shared_texts(examples)
    assert [text for text, _ in kept] == ["c", "c"]


def test_there_are_as_many_of_each_label_in_their_order():
    examples = [Example(str(n), {"label": label}) for n, label in enumerate("aababca")]
    kept = docstring_examples.balanced(examples[:5])
    assert [text for text, _ in kept] == ["0", "1", "2", "4"]
    assert len(docstring_examples.balanced(examples)) == 3
    assert docstring_examples.balanced([]) == []


# --- Question answering ----------------------------------------------------------------


def test_answers_are_at_their_offsets():
    docstring = Docstring(
        "Args:\n  über: Die Größe ist “groß” genug.\n  axis: too short\n"
        "  name: The name of the result.\n",
        (),
    )
    context, record = docstring_examples.question_example(docstring)
    assert context == record["context"]
    assert context.split("\n") == [
        "über: Die Größe ist “groß” genug.",
        "axis: too short",
        "name: The name of the result.",
    ]
    assert [each["question"] for each in record["qas"]] == ["What is name?"]
    [answer] = record["qas"][0]["answers"]
    assert context[answer["answer_start"] :] == answer["text"]
    assert answer["text"] == "The name of the result."


def test_questions_are_on_arguments_to_choose_from_that_fit():
    entries = [f"  a{n}: The argument of the number {n} is here." for n in range(9)]
    _, record = docstring_examples.question_example(
        Docstring("\n".join(["Args:", *entries]), ())
    )
    assert [each["question"] for each in record["qas"]] == [
        f"What is a{n}?" for n in range(4)
    ]
    assert len({each["id"] for each in record["qas"]}) == 4
    for lines in ([], ["Args:", *entries[:2]]):
        assert (
            docstring_examples.question_example(Docstring("\n".join(lines), ())) is None
        )


# --- Summarisation ---------------------------------------------------------------------


def test_the_first_sentence_sums_up_the_others():
    text, record = docstring_examples.summary_example(docstring_of(SUMMARY, *BODY))
    assert text == "\n".join(BODY)
    assert record == {"article": text, "summary": SUMMARY}


def test_what_is_no_summary_is_left_out():
    goes_on = Docstring(" ".join([SUMMARY, *BODY]), (SUMMARY, *BODY))
    begins_with_code = Docstring("f(x) -> y\n\n" + SUMMARY, (SUMMARY, *BODY))
    short, long = docstring_of(SUMMARY, *BODY[:4]), docstring_of(SUMMARY, *(4 * BODY))
    for docstring in (goes_on, begins_with_code, short, long):
        assert docstring_examples.summary_example(docstring) is None


# --- Files -----------------------------------------------------------------------------


def test_a_text_is_in_one_file_once_whatever_the_order():
    texts = [f"text {number}" for number in range(500)]
    examples = [Example(text, {}) for text in [*texts, *map(str.upper, texts)]]
    files = docstring_examples.split(examples)
    assert files == docstring_examples.split(examples[::-1][500:] + examples[500:])
    found = [text.lower() for part in files.values() for text, _ in part]
    assert sorted(found) == sorted(texts)
    # 0.2 of 500, within three standard deviations
    assert 73 <= len(files["held_out"]) <= 127


@pytest.fixture
def packages(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ["first_of_label_tests", "second_of_label_tests"]
    make_packages(tmp_path, names)
    return names


def test_files_of_all_tasks(tmp_path, packages):
    docstring_examples.write_tasks(packages, tmp_path / "tasks")
    contents = {
        path.relative_to(tmp_path / "tasks").as_posix(): path.read_bytes()
        for path in (tmp_path / "tasks").rglob("*.*")
    }
    assert sorted(contents) == [
        "classification/held_out.jsonl",
        "classification/train.jsonl",
        "question_answering/held_out.json",
        "question_answering/train.json",
        "summarisation/held_out.jsonl",
        "summarisation/train.jsonl",
    ]
    for name in ("train", "held_out"):
        lines = contents[f"classification/{name}.jsonl"].splitlines()
        labels = [json.loads(line)["label"] for line in lines]
        assert labels.count(packages[0]) == labels.count(packages[1]) > 0
        [article] = json.loads(contents[f"question_answering/{name}.json"])["data"]
        assert {len(each["qas"]) for each in article["paragraphs"]} == {3}

    docstring_examples.write_tasks(packages, tmp_path / "again")
    for path, content in contents.items():
        assert (tmp_path / "again" / path).read_bytes() == content


def test_a_folder_that_cannot_be_made(tmp_path, packages):
    (tmp_path / "file").write_text("")
    with pytest.raises(errors.UserError, match="--output: expected a folder"):
        docstring_examples.write_tasks(packages, tmp_path / "file")
