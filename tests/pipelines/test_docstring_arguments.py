"""The arguments that docstrings describe, in both styles."""

import inspect

import pytest

from pipelines.docstring_arguments import arguments_of

GOOGLE = """
    Reduces a tensor.

    Args:
      axis (int, optional): The axis to
        reduce. Negative ones count from the end.
      *names:
        Names of other axes, such as:
          first: the first of them.

          second: the second of them.
      `größe`: Die Größe, auf Deutsch.
      nothing:
      **options: See `reduce`.

    Returns:
      result: No argument.
"""

NUMPY = """
    Reduces an array.

    Parameters
    ----------
    axis : {None, int}, optional
        The axis to reduce. Negative ones
        count from the end.

        Another paragraph.
    out
        Where the result goes.
    first, second : int
        Two at once.

    Returns
    -------
    result : array
        No argument.
"""


@pytest.mark.parametrize(
    ("docstring", "expected"),
    [
        (
            GOOGLE,
            [
                ("axis", "The axis to reduce."),
                ("names", "Names of other axes, such as:"),
                ("größe", "Die Größe, auf Deutsch."),
                ("options", "See reduce."),
            ],
        ),
        (NUMPY, [("axis", "The axis to reduce."), ("out", "Where the result goes.")]),
        ("Args: none.\n\nIt has no section.", []),
        ("Parameters\n\nWithout a line under it.", []),
        ("Args:", []),
        ("Parameters\n----------", []),
        ("", []),
    ],
)
def test_arguments(docstring, expected):
    assert arguments_of(inspect.cleandoc(docstring)) == expected


def test_a_section_may_be_indented_and_is_not_the_functions_around_it():
    docstring = "Args:\n\n  axis: The axis.\nNo section: any more.\n  out: Nothing."
    assert arguments_of(docstring) == [("axis", "The axis.")]
    indented = "\n".join(f"  {line}" for line in docstring.split("\n"))
    assert arguments_of(indented) == [("axis", "The axis.")]
