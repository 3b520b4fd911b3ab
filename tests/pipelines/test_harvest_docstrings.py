"""The corpus of docstrings: documents, and a file of them."""

import sys

import pytest

from bert_tf import errors
from pipelines import harvest_docstrings


def test_documents_are_long_enough_and_say_nothing_twice():
    docstrings = [[f"{letter}{number}" for number in range(3)] for letter in "abcda"]
    seen = set()
    assert list(harvest_docstrings.documents_of(docstrings, seen)) == [
        ("a0", "a1", "a2", "b0", "b1", "b2", "c0", "c1", "c2"),
        ("d0", "d1", "d2"),
    ]
    assert not list(harvest_docstrings.documents_of(docstrings, seen))
    assert not list(harvest_docstrings.documents_of([["alone"]], seen))


def make_package(folder, name, count):
    package = folder / name
    package.mkdir()
    (package / "__init__.py").write_text('raise RuntimeError("must not be imported")')
    for number in range(count):
        lines = [f"This is sentence {word} of it." for word in "abcdefghi"]
        text = " ".join(line.replace("it", f"number {number}") for line in lines)
        (package / f"m{number}.py").write_text(f'"""{text}"""')


def test_a_package_is_read_and_not_imported(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    make_package(tmp_path, "some_package_for_tests", 5)
    output = tmp_path / "corpus.txt"
    for _ in range(2):
        harvest_docstrings.harvest(["some_package_for_tests"], output)
        documents = output.read_text().split("\n\n")
        assert len(documents) == 5
        assert documents[1].split("\n")[0] == "This is sentence a of number 1."
    assert output.read_text().endswith("number 4.\n")
    assert "some_package_for_tests" not in sys.modules
    assert sorted(path.name for path in tmp_path.glob("corpus*")) == ["corpus.txt"]


def test_errors_are_the_users_and_leave_no_file(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    make_package(tmp_path, "package_without_docstrings", 0)
    output = tmp_path / "corpus.txt"
    for packages, path, message in [
        (["no_such_package_anywhere"], output, "expected installed packages"),
        (["no/name"], output, "expected installed packages"),
        (["package_without_docstrings"], output, "expected packages with docstrings"),
        (["package_without_docstrings"], tmp_path / "none" / "x", "that can be written"),
    ]:
        with pytest.raises(errors.UserError, match=message):
            harvest_docstrings.harvest(packages, path)
    assert not list(tmp_path.glob("corpus*"))
