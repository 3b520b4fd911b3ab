"""Texts and what they are to become: translations, summaries, SCAN's commands.

Tables (see tables.py) have the columns source and target, or no header and the two in
this order; what is to be written has no target. SCAN's lines (Lake and Baroni 2018) are

    IN: jump twice OUT: I_JUMP I_JUMP
"""

import re
from collections.abc import Mapping

from bert_tf.data.task_files.opening import read_lines, wrong
from bert_tf.data.task_files.tables import Layout, Row, read_table

_SCAN = re.compile(r"IN: (?P<text>.*\S.*) OUT: (?P<target>.*\S.*)")
# What other headers of two columns have second.
_NAMES = (
    "source|target|input|output|src|tgt|text|label|summary|article|question|answer|"
    "translation|(source|target|input|output)[ _-](text|sentence|sequence)"
)
_LAYOUTS = (
    Layout({"text": "source", "target": "target"}),
    Layout({"text": "text", "target": "target"}),
    Layout(
        {"text": "0", "target": "1"}, cells=(".*",) * 2, header=(".*", f"(?i){_NAMES}")
    ),
    *(Layout({"text": text}) for text in ("source", "text")),
)


def read_text_pairs(path: str, *, columns: Mapping[str, str]) -> list[Row]:
    """Reads the cells `text` and, where there are any, `target` of each example.

    Args:
        path: of a table, or of SCAN's lines; compressed or not.
        columns: see `read_table`; of tables alone.

    Raises:
        UserError: naming the line: see `read_table`; a line is not like SCAN's where the
            first one is.
    """
    _, first = next(iter(read_lines(path)), (0, ""))
    if not columns and is_scan(first):
        return _read_scan(path)
    return read_table(path, layouts=_LAYOUTS, columns=columns)


def is_scan(line: str) -> bool:
    """Whether a line is like SCAN's."""
    return bool(_SCAN.fullmatch(line))


def _read_scan(path: str) -> list[Row]:
    rows = []
    for number, line in read_lines(path):
        if not line:
            continue
        match = _SCAN.fullmatch(line)
        if not match:
            raise wrong(
                path,
                number,
                f"expected IN: ... OUT: ... as on the first line, received "
                f"{line[:40]!r}; mend the line.",
            )
        rows.append(Row(number, match.groupdict()))
    return rows
