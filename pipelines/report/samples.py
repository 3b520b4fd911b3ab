"""Examples for people to read: segments, word pieces and what is hidden."""

from bert_tf.data import manifest
from bert_tf.html.elements import Element, details, element
from bert_tf.html.tokens import continuation, hidden, segment


def legend() -> Element:
    """How to read the examples."""
    return element(
        "p",
        "Below a token to predict stands what it was: ",
        hidden("[MASK]", "word"),
        " ",
        hidden("other", "word"),
        " ",
        hidden("word", "word"),
        ". After ",
        continuation(),
        " a word goes on.",
        class_="quiet legend",
    )


def example(number: int, sample: manifest.Sample, *, open_: bool) -> Element:
    """One example, its two segments below each other.

    Args:
        number: of the example, from 1.
        sample: the example.
        open_: whether its tokens are shown from the start.
    """
    labels = dict(zip(sample.positions, sample.labels, strict=True))
    second = sample.second_start
    segments = [("A", 0, second), ("B", second, len(sample.tokens))]
    next_ = {None: "a single segment", True: "random next", False: "actual next"}
    return details(
        element(
            "span",
            element("b", f"Example {number}: {next_[sample.is_random_next]}"),
            f", {len(sample.tokens):,} tokens, {len(labels):,} to predict",
        ),
        *(
            segment(
                sample.tokens[start:stop],
                {position - start: label for position, label in labels.items()},
                element("strong", name, title=f"Segment {name}"),
                class_=f"segment {name.lower()}",
            )
            for name, start, stop in segments
            if start < stop
        ),
        open_=open_,
    )
