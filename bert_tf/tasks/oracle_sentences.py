"""The sentences of a text that make up the best extract of it, next to its summary.

Liu 2019, "Fine-tune BERT for Extractive Summarization", section 3.1: sentences are added
one by one, each time the one that most raises ROUGE-1 and ROUGE-2. As in its code, pairs
of words are of one sentence, never of two beside each other.
"""

import collections
from collections.abc import Sequence

from rouge_score import scoring

from bert_tf.tasks.rouge_tokenizer import RougeTokenizer

MAX_SENTENCES = 3  # of an extract

_SIZES = (1, 2)  # of the n-grams
_TOKENIZER = RougeTokenizer()

Ngrams = collections.Counter[tuple[str, ...]]


def oracle_sentences(sentences: Sequence[str], summary: str) -> list[int]:
    """Chooses sentences greedily until none raises ROUGE-1 + ROUGE-2 (F), or 3 are.

    Args:
        sentences: of the text.
        summary: its sentences in lines.

    Returns:
        Numbers of sentences, in the order of the text. None if none has a word of the
        summary.
    """
    wanted = _ngrams(summary.split("\n"))
    counts = [_ngrams([sentence]) for sentence in sentences]
    num_wanted = [each.total() for each in wanted]
    num_own = [[each.total() for each in count] for count in counts]
    # What the summary does not have counts for the length alone.
    shared = [[own & all_ for own, all_ in zip(c, wanted, strict=True)] for c in counts]
    # Of the extract so far, for each size of n-grams:
    left = [each.copy() for each in wanted]  # wanted and not in it
    num_hits, num_chosen = [0] * len(_SIZES), [0] * len(_SIZES)
    chosen: list[int] = []
    best = 0.0
    while len(chosen) < MAX_SENTENCES:
        candidates = [number for number in range(len(sentences)) if number not in chosen]
        scores = {
            number: sum(
                _f_measure(
                    num_hits[size] + _num_common(shared[number][size], left[size]),
                    num_chosen[size] + num_own[number][size],
                    num_wanted[size],
                )
                for size in range(len(_SIZES))
            )
            for number in candidates
        }
        number = max(scores, key=scores.__getitem__, default=None)
        if number is None or scores[number] <= best:
            break
        best = scores[number]
        chosen.append(number)
        for size in range(len(_SIZES)):
            num_hits[size] += _num_common(shared[number][size], left[size])
            num_chosen[size] += num_own[number][size]
            left[size] -= shared[number][size]
    return sorted(chosen)


def _ngrams(sentences: Sequence[str]) -> list[Ngrams]:
    """The n-grams of sentences together, for each size."""
    stems = [_TOKENIZER.tokenize(sentence) for sentence in sentences]
    return [
        collections.Counter(
            ngram
            for words in stems
            for ngram in zip(*(words[first:] for first in range(size)), strict=False)
        )
        for size in _SIZES
    ]


def _num_common(first: Ngrams, second: Ngrams) -> int:
    return sum(min(count, second[ngram]) for ngram, count in first.items())


def _f_measure(num_hits: int, num_received: int, num_wanted: int) -> float:
    if not num_hits:
        return 0.0
    return scoring.fmeasure(num_hits / num_received, num_hits / num_wanted)
