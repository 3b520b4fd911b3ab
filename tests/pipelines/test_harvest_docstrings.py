"""The corpus of docstrings: prose stays, code goes."""

import inspect
import pathlib
import sys

import pytest

from bert_tf import errors
from pipelines import harvest_docstrings


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        ("One line\nthat goes on.", ["One line that goes on."]),
        ("First.\n\nSecond.", ["First.", "Second."]),
        ("See `the guide <https://x.y>`_ and :func:`~a.b` or ``c``.",
         ["See the guide and ~a.b or c."]),
        ("Before:\n\n>>> 1 + 1\n2\n\nAfter.", ["After."]),
        ("Before.\n```python\nx = 1\n\ny = 2\n```\nAfter.", ["Before.", "After."]),
        ("As here::\n\n    x = 1\n\n    y = 2\n\nAfter.", ["As here:", "After."]),
        ("A title\n-------\nText.", ["Text."]),
        ("+---+---+\n| a | b |\n+---+---+\nText.", ["Text."]),
        (".. note:: ignored\nText.", ["Text."]),
        ("Parameters\n----------\naxis : int, optional\n    The axis.", ["The axis."]),
        ("Args:\n  axis: The axis to\n    reduce.\n  name (str): A name.",
         ["The axis to reduce.", "A name."]),
        (":param axis: The axis.\n:type axis: int\n:returns: A thing.",
         ["The axis.", "A thing."]),
        ("Either:\n* the first one.\n* the second\n  one.",
         ["the first one.", "the second one."]),
        ("", []),
    ],
)  # fmt: skip
def test_paragraphs(docstring, expected):
    assert list(harvest_docstrings.paragraphs_of(docstring)) == expected


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("Returns the number of elements in the list.", True),
        ("Too short.", False),
        ("no capital letter at the start.", False),
        ("No full stop at the end", False),
        ("X = foo(bar) + 1 / 2 - baz[3].", False),
    ],
)
def test_prose(sentence, expected):
    assert harvest_docstrings.is_prose(sentence) is expected


def test_a_file_gives_its_docstrings_in_source_order(tmp_path):
    path = tmp_path / "module.py"
    path.write_text(
        inspect.cleandoc('''
            """This is the module itself. It has two sentences."""
            class A:
                """This is the class inside it."""
                async def b(self):
                    """This is the method of the class."""
                    return "This is no docstring at all."
            def c():
                "x"
        ''')
    )
    source = harvest_docstrings.read_source(path)
    assert source.readable
    assert source.docstrings == (
        ("This is the module itself.", "It has two sentences."),
        ("This is the class inside it.",),
        ("This is the method of the class.",),
    )


@pytest.mark.parametrize("content", [b"def (", b"x = '\xff'", b"\0"])
def test_what_is_not_python_is_skipped(tmp_path, content):
    path = tmp_path / "module.py"
    path.write_bytes(content)
    assert not harvest_docstrings.read_source(path).readable


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


def test_the_standard_library_is_found_without_installed_packages():
    files = harvest_docstrings.package_files(harvest_docstrings.STANDARD_LIBRARY)
    names = {path.name for path in files}
    assert "argparse.py" in names
    assert not any("site-packages" in path.parts for path in files)
    assert all(isinstance(path, pathlib.Path) for path in files[:1])
