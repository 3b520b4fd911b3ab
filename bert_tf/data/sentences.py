"""From prose to sentences.

The splitting is sentencex's (Wikimedia; rules and abbreviations of about 300 languages,
in Rust), with two corrections. It ends no sentence between two quotation marks, so that
one mark without its partner swallows pages; what comes out long is therefore split again
as if its marks were all closing ones. And it leaves some marks on the wrong side.

`python -m benchmarks.sentences` measures it beside its peers, on the sentences of UD
English-EWT joined to paragraphs. What counts as long was chosen with a look at both:

| F1 of the ends of sentences | development | training |
|---|---|---|
| split_sentences | 0.886 | 0.900 |
| sentencex 1.0.32 | 0.873 | 0.884 |
| pysbd 0.3.4 | 0.853 | 0.879 |
| blingfire 0.1.8 | 0.848 | 0.886 |
| syntok 1.4.4 | 0.846 | 0.891 |

What all of them miss is mostly web text without a full stop: headings and signatures. In
the Universal Declaration of Human Rights it finds every sentence in Arabic, Chinese,
German, Hebrew, Hindi, Japanese, Korean, Russian and Tamil, with the rules of English
too, and none in Thai, which has no full stop.
"""

import re
from collections.abc import Iterator

import sentencex

_LONG_SENTENCE = 150  # characters
# Partners of marks are looked for in quadratic time.
_LONG_PARAGRAPH = 1 << 16  # characters
_MARKS = "\"'“”‘’"
_CLOSING_MARKS = re.compile(rf"[{_MARKS}]+(?: |$)")


def split_sentences(text: str, language: str = "en") -> list[str]:
    """The sentences of a paragraph, in order.

    Runs of white space, line breaks included, count as one space, so that hard-wrapped
    text is joined; every other character of `text` is in exactly one sentence.

    Args:
        text: prose in any language.
        language: an ISO 639 code, for abbreviations such as "z. B."; one that sentencex
            does not know counts as English. The full stops of Chinese, Hindi, Arabic and
            others end sentences whatever it is.

    Returns:
        Sentences without white space around them and none of them empty: an empty list
        for blank text. `"He left. Why?"` gives `["He left.", "Why?"]`.
    """
    return split_line(" ".join(text.split()), language)


def split_line(line: str, language: str) -> list[str]:
    """As `split_sentences`, of text whose only white space is single spaces."""
    shown = _close_marks(line) if len(line) > _LONG_PARAGRAPH else line
    found = []
    for sentence in _segment(line, shown, language):
        if len(sentence) > _LONG_SENTENCE:
            found += _segment(sentence, _close_marks(sentence), language)
        else:
            found.append(sentence)
    stripped = map(str.strip, found)
    return [sentence for sentence in stripped if sentence]


def _close_marks(text: str) -> str:
    """With closing quotation marks in place of others; as long as it was."""
    return text.replace('"', "”").replace("“", "”").replace("'", "’")


def _segment(text: str, shown: str, language: str) -> Iterator[str]:
    """Cuts `text` where sentencex cuts `shown`, but for the marks around each cut."""
    start = end = 0
    for part in sentencex.segment(language, shown):
        end += len(part)
        cut = end
        if text[end - 1] != " " or text[end - 2 : end - 1] in _MARKS:
            cut = _cut_beside_marks(text, start, end)
        if cut > start:
            yield text[start:cut]
            start = cut
    yield text[start:]


def _cut_beside_marks(text: str, start: int, end: int) -> int:
    """After the space that is beside `end` or among the marks there; 0 for no cut."""
    space = text.rfind(" ", start, end)
    if not text[space + 1 : end].strip(_MARKS):
        end = space + 1
    elif closing := _CLOSING_MARKS.match(text, end):
        end = closing.end()
    # As in `"Is it so?" he asked.`
    goes_on = text[end - 2 : end - 1] in _MARKS and text[end : end + 1].islower()
    return 0 if goes_on else end
