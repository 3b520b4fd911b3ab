"""How good answers to SQuAD's questions are, counted as the official scripts count.

Source: evaluate-v1.1.py and evaluate-v2.0.py of Rajpurkar et al.; shares here, percent
there.
"""

import collections
import itertools
import re
import string
from collections.abc import Callable, Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)

Score = Callable[[str, str], float]


def normalize(text: str) -> str:
    """Lower case, without ASCII punctuation, English articles and needless space."""
    text = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", text).split())


def exact(gold: str, received: str) -> float:
    """1 if two answers are the same but for what `normalize` changes, else 0."""
    return float(normalize(gold) == normalize(received))


def f1(gold: str, received: str) -> float:
    """F1 of the words that two answers share.

    1 if neither has a word, 0 if one of them has none.
    """
    gold_words, words = normalize(gold).split(), normalize(received).split()
    if not gold_words or not words:
        return float(gold_words == words)
    common = collections.Counter(gold_words) & collections.Counter(words)
    if not common:
        return 0.0
    precision = common.total() / len(words)
    recall = common.total() / len(gold_words)
    return 2 * precision * recall / (precision + recall)


def best_score(score: Score, golds: Sequence[str], received: str) -> float:
    """The score beside the gold answer it is highest for.

    Args:
        score: `exact` or `f1`.
        golds: those with no words do not count; without others only "" is right.
        received: the answer.
    """
    golds = [gold for gold in golds if normalize(gold)] or [""]
    return max(score(gold, received) for gold in golds)


def best_threshold(
    scores: Sequence[float],
    scores_without: Sequence[float],
    differences: Sequence[float],
) -> tuple[float, float]:
    """The threshold above which it is best to give no answer.

    A question is answered if its difference is at most the threshold. The official
    `find_best_thresh` may part questions of the same difference, which no threshold
    does, and calls a threshold of 0 what answers no question; here it is one below all
    differences. To it, a question whose gold answers have no words ("--") has an answer
    when it searches and none when it scores; here it has none.

    Args:
        scores: of each question's answer; at least one.
        scores_without: of the empty answer in its place.
        differences: how much likelier no answer is than the answer.

    Returns:
        The mean score at the best threshold, and the threshold: the least of the best.
    """
    order = sorted(range(len(differences)), key=differences.__getitem__)
    total = best = sum(scores_without)
    threshold = differences[order[0]] - 1
    for difference, group in itertools.groupby(order, key=differences.__getitem__):
        total += sum(scores[number] - scores_without[number] for number in group)
        if total > best:
            best, threshold = total, difference
    return best / len(scores), threshold
