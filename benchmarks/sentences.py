"""Sentence splitters side by side: how many ends of sentences they find, and how fast.

    pip install blingfire pysbd syntok
    python -m benchmarks.sentences --ewt=en_ewt-ud-dev.conllu,en_ewt-ud-train.conllu \
        --udhr=udhr2

Two corpora say where sentences end. Of UD English-EWT the sentences of a paragraph are
joined by spaces. Of the Universal Declaration of Human Rights in many languages (NLTK's
`udhr2`) the lines of an article are; it has no abbreviations, so that a sentence ends at
each full stop before a space, at each 。, and at the end of each line, which is all there
is in Thai. The end of a paragraph or article itself is not counted.
"""

import dataclasses
import lzma
import pathlib
import re
import time
from collections.abc import Callable, Iterator, Sequence

from absl import flags

from bert_tf import cli
from bert_tf.data import sentences
from bert_tf.errors import UserError

_EWT = flags.DEFINE_list("ewt", [], "CoNLL-U files of UD English-EWT; .xz too.")
_UDHR = flags.DEFINE_string("udhr", None, "Folder of udhr2: a text for each language.")

UDHR_LANGUAGES = {
    "arb": "ar",
    "cmn_hans": "zh",
    "deu": "de",
    "eng": "en",
    "heb": "he",
    "hin": "hi",
    "jpn": "ja",
    "kor": "ko",
    "rus": "ru",
    "tam": "ta",
    "tha": "th",
}
NUM_ARTICLES = 30
_FULL_STOP = re.compile(r"(?<=[.!?।]) |(?<=。) ?")
Splitter = Callable[[str], list[str]]
Paragraph = list[str]  # its sentences


@dataclasses.dataclass
class Score:
    """What a splitter found."""

    num_right: int = 0
    num_found: int = 0
    num_ends: int = 0  # what there was to find
    num_bytes: int = 0
    seconds: float = 0

    def __str__(self) -> str:
        precision = self.num_right / max(self.num_found, 1)
        recall = self.num_right / max(self.num_ends, 1)
        f1 = 2 * self.num_right / max(self.num_found + self.num_ends, 1)
        speed = self.num_bytes / 1e6 / self.seconds
        return f"{precision:11.3f}{recall:9.3f}{f1:9.3f}{speed:9.2f}"


def main(argv: Sequence[str]) -> None:
    """Prints a table for each corpus."""
    del argv
    for path in _EWT.value:
        _print_table(path, list(_ewt_paragraphs(path)), _splitters("en"))
    if _UDHR.value:
        for name, language in UDHR_LANGUAGES.items():
            path = pathlib.Path(_UDHR.value) / f"{name}.txt"
            ours = {"split_sentences as en": sentences.split_sentences}
            _print_table(path, _udhr_articles(path), ours | _splitters(language))


def _splitters(language: str) -> dict[str, Splitter]:
    """Ours and its peers, those that have the language."""
    try:
        import blingfire
        import pysbd
        import sentencex
        import syntok.segmenter
    except ImportError as error:
        raise UserError(
            f"Expected the peers of split_sentences, received none ({error}); "
            "pip install blingfire pysbd syntok."
        ) from error

    def syntok_split(text: str) -> list[str]:
        return [
            "".join(token.spacing + token.value for token in sentence)
            for paragraph in syntok.segmenter.process(text)
            for sentence in paragraph
        ]

    splitters = {
        f"split_sentences as {language}": lambda text: sentences.split_sentences(
            text, language
        ),
        "sentencex": lambda text: sentencex.segment(language, text),
        "blingfire": lambda text: blingfire.text_to_sentences(text).split("\n"),
    }
    if language in ("de", "en", "es"):
        splitters["syntok"] = syntok_split
    if language in pysbd.languages.LANGUAGE_CODES:
        splitters["pysbd"] = pysbd.Segmenter(language=language, clean=False).segment
    return splitters


def _print_table(
    name: str | pathlib.Path,
    paragraphs: Sequence[Paragraph],
    splitters: dict[str, Splitter],
) -> None:
    num_sentences = sum(map(len, paragraphs))
    print(f"{name}: {num_sentences} sentences in {len(paragraphs)} paragraphs")
    print(f"{'':26}{'precision':>11}{'recall':>9}{'F1':>9}{'MB/s':>9}")
    for splitter_name, split in splitters.items():
        print(f"{splitter_name:26}{_score(paragraphs, split)}")
    print()


def _score(paragraphs: Sequence[Paragraph], split: Splitter) -> Score:
    split("He left. Why?")  # some load their rules when they are first used
    score = Score()
    for paragraph in paragraphs:
        text = " ".join(paragraph)
        start = time.process_time()
        found = split(text)
        score.seconds += time.process_time() - start
        ends, found_ends = _inner_ends(paragraph), _inner_ends(found)
        score.num_right += len(ends & found_ends)
        score.num_found += len(found_ends)
        score.num_ends += len(ends)
        score.num_bytes += len(text.encode())
    return score


def _inner_ends(paragraph: Paragraph) -> set[int]:
    """How many characters, white space aside, come before each end but the last."""
    ends, num_characters = set(), 0
    for sentence in paragraph:
        num_characters += len("".join(sentence.split()))
        ends.add(num_characters)
    return ends - {num_characters}


def _ewt_paragraphs(path: str) -> Iterator[Paragraph]:
    paragraph: Paragraph = []
    for line in _read_text(path).split("\n"):
        if line.startswith(("# newdoc", "# newpar")) and paragraph:
            yield paragraph
            paragraph = []
        if line.startswith("# text = "):
            paragraph.append(line.removeprefix("# text = "))
    yield paragraph


def _udhr_articles(path: pathlib.Path) -> list[Paragraph]:
    blocks = re.split("\n {2,3}\n", _read_text(path))[-NUM_ARTICLES:]
    lines_of_blocks = [
        [" ".join(line.split()) for line in block.split("\n")] for block in blocks
    ]
    return [
        [
            sentence
            for line in lines[1:]
            for sentence in _FULL_STOP.split(line)
            if sentence
        ]
        for lines in lines_of_blocks
    ]


def _read_text(path: str | pathlib.Path) -> str:
    open_file = lzma.open if str(path).endswith(".xz") else open
    try:
        with open_file(path, "rt", encoding="utf-8-sig") as file:
            return file.read()
    except OSError as error:
        raise UserError(
            f"Expected a text file, received {str(path)!r} ({error.strerror}); check the "
            "path."
        ) from error


if __name__ == "__main__":
    cli.run(main)
