"""Files of articles with summaries: objects in lines, tables, and PreSumm's .json.

.jsonl   {"article": ..., "summary": ...}, or `highlights`, as CNN/DailyMail's is called
.json    [{"src": [["A", "sentence", "."], ...], "tgt": [[...], ...]}, ...], of tokens

Articles that are to be summed up need no summary.
"""

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping

from bert_tf.data.task_files.opening import parse_json, read_text, wrong
from bert_tf.data.task_files.tables import Layout, read_table, refuse_columns
from bert_tf.errors import UserError

_ARTICLE, _SUMMARY = "text", "summary"  # what the task calls the columns
_LAYOUTS = (
    *(
        Layout({_ARTICLE: article, _SUMMARY: summary})
        for article in ("article", "text")
        for summary in ("summary", "highlights")
    ),
    Layout({_ARTICLE: "article"}),
    Layout({_ARTICLE: "text"}),
)
_JSON = re.compile(r"\.json(\.gz|\.bz2|\.xz|\.zst)?$")
_BETWEEN_ITEMS = re.compile(r"[\s,]*")


@dataclasses.dataclass(frozen=True)
class Article:
    """A text and the summary that somebody has written of it."""

    text: str
    summary: str | None  # its sentences in lines; None where nobody has written it
    line: int


def read_articles(path: str, columns: Mapping[str, str]) -> list[Article]:
    """Reads a file of articles; see above.

    Args:
        path: see `read_table`; .json is PreSumm's.
        columns: see `read_table`; from `text` and `summary`. None for .json.

    Raises:
        UserError: naming the line that is wrong; or `columns` has some for .json.
    """
    if _JSON.search(path):
        refuse_columns(columns, "PreSumm's JSON")
        articles = list(_read_presumm(path))
    else:
        articles = [
            Article(row.cells[_ARTICLE], row.cells.get(_SUMMARY), row.line)
            for row in read_table(path, layouts=_LAYOUTS, columns=columns)
        ]
    if not articles:
        raise UserError(f"{path}: expected articles, received an empty list.")
    return articles


def _read_presumm(path: str) -> Iterator[Article]:
    for line, item in _items(path):
        fields = item if isinstance(item, dict) else {}
        parts = {"article": fields.get("src")}
        if "tgt" in fields:
            parts["summary"] = fields["tgt"]
        if not all(map(_is_sentences, parts.values())):
            raise wrong(
                path,
                line,
                "expected an object with lists of sentences, themselves lists of tokens, "
                f"as src and tgt, received {json.dumps(item)[:60]}; mend it.",
            )
        texts = {
            name: "\n".join(map(" ".join, sentences)) for name, sentences in parts.items()
        }
        for name, text in texts.items():
            if not text.strip():
                raise wrong(
                    path,
                    line,
                    f"expected an article and its summary, received an empty {name}; "
                    "fill it in, or leave the article out.",
                )
        yield Article(texts["article"], texts.get("summary"), line)


def _is_sentences(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(sentence, list) and all(isinstance(token, str) for token in sentence)
        for sentence in value
    )


def _items(path: str) -> Iterator[tuple[int, object]]:
    """The items of a list in JSON, and the lines they begin in."""
    text = read_text(path)
    items = parse_json(path, text)
    if not isinstance(items, list):
        raise wrong(
            path, 1, f"expected a list of articles, received {type(items).__name__}."
        )
    # Again, for their places.
    decoder = json.JSONDecoder()
    end, before, line = text.index("[") + 1, 0, 1
    for _ in items:
        start = _BETWEEN_ITEMS.match(text, end).end()
        line += text.count("\n", before, start)
        before = start
        item, end = decoder.raw_decode(text, start)
        yield line, item
