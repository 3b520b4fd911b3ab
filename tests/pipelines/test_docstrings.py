"""Docstrings of installed packages: prose stays, code goes."""

import inspect
import pathlib

import pytest

from pipelines import docstrings


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
    assert list(docstrings.paragraphs_of(docstring)) == expected


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
    assert docstrings.is_prose(sentence) is expected


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
    source = docstrings.read_source(path)
    assert source.readable
    assert source.docstrings == (
        docstrings.Docstring(
            "This is the module itself. It has two sentences.",
            ("This is the module itself.", "It has two sentences."),
        ),
        docstrings.Docstring(
            "This is the class inside it.", ("This is the class inside it.",)
        ),
        docstrings.Docstring(
            "This is the method of the class.", ("This is the method of the class.",)
        ),
    )


@pytest.mark.parametrize("content", [b"def (", b"x = '\xff'", b"\0"])
def test_what_is_not_python_is_skipped(tmp_path, content):
    path = tmp_path / "module.py"
    path.write_bytes(content)
    assert not docstrings.read_source(path).readable


def test_the_standard_library_is_found_without_installed_packages():
    files = docstrings.package_files(docstrings.STANDARD_LIBRARY)
    names = {path.name for path in files}
    assert "argparse.py" in names
    assert not any("site-packages" in path.parts for path in files)
    assert all(isinstance(path, pathlib.Path) for path in files[:1])
