"""What a data set should measure, and what to do where it does not."""

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import manifest, masking
from bert_tf.html.sections import counted

FEW_DOCUMENTS = 10
# Shares. Those of next sentences are of the examples; half should be random.
FEW_RANDOM_NEXT = 0.4
MANY_RANDOM_NEXT = 0.6
MUCH_PADDING = 0.3
MANY_UNKNOWN = 0.05
MANY_REPEATED_SENTENCES = 0.1
MANY_DUPLICATE_DOCUMENTS = 0.1
FEW_PREDICTIONS = 0.8  # of those that masked_lm_prob asks for
MASK_SHARES = {
    "predictions_masked": 0.8,
    "predictions_kept": 0.1,
    "predictions_random": 0.1,
}
# By chance one share in two million is further off than that.
STANDARD_DEVIATIONS = 5


@dataclasses.dataclass(frozen=True)
class Measure:
    """A share that was found in a split, and where it should be."""

    value: float | None  # None: there is nothing to measure
    low: float = 0.0
    high: float = 1.0

    @property
    def is_low(self) -> bool:
        """Whether the value is below the bounds."""
        return self.value is not None and self.value < self.low

    @property
    def is_high(self) -> bool:
        """Whether the value is above the bounds."""
        return self.value is not None and self.value > self.high


def measures(split: manifest.Split, config: PretrainingDataConfig) -> dict[str, Measure]:
    """What is measured of a split, by name: shares of examples, tokens or predictions.

    Args:
        split: of the data set.
        config: of the data set.
    """
    counts = split.counts
    num_documents = counts["documents"] + counts["duplicate_documents"]
    predicted = _share(counts["predictions"], counts["example_tokens"])
    is_capped = (
        needed_predictions(config.max_seq_length, config) > config.max_predictions_per_seq
    )
    return {
        "random_next": Measure(
            split.random_next_share if config.next_sentence else None,
            FEW_RANDOM_NEXT,
            MANY_RANDOM_NEXT,
        ),
        "predictions": Measure(
            predicted, FEW_PREDICTIONS * config.masked_lm_prob if is_capped else 0.0
        ),
        **{
            name: _binomial(counts[name], counts["predictions"], share)
            for name, share in MASK_SHARES.items()
        },
        "padding": Measure(split.padding_share, high=MUCH_PADDING),
        "unknown": Measure(
            _share(counts["unknown_tokens"], counts["tokens"]), high=MANY_UNKNOWN
        ),
        "repeated_sentences": Measure(
            split.repeated_sentence_share, high=MANY_REPEATED_SENTENCES
        ),
        "duplicate_documents": Measure(
            _share(counts["duplicate_documents"], num_documents),
            high=MANY_DUPLICATE_DOCUMENTS,
        ),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _binomial(part: int, whole: int, share: float) -> Measure:
    if not whole:
        return Measure(None)
    margin = STANDARD_DEVIATIONS * math.sqrt(share * (1 - share) / whole)
    return Measure(part / whole, max(0.0, share - margin), min(1.0, share + margin))


def needed_predictions(num_tokens: int, config: PretrainingDataConfig) -> int:
    """How many tokens of an example are to be predicted if no maximum is in the way."""
    return masking.num_to_predict(
        num_tokens,
        masked_lm_prob=config.masked_lm_prob,
        max_predictions_per_seq=num_tokens,
    )


def capped_share(lengths: Sequence[int], config: PretrainingDataConfig) -> float:
    """The share of the examples in which the maximum leaves fewer to predict.

    Args:
        lengths: how many examples have n tokens, at index n.
        config: of the examples.
    """
    num_capped = sum(
        count
        for length, count in enumerate(lengths)
        if needed_predictions(length, config) > config.max_predictions_per_seq
    )
    return num_capped / max(1, sum(lengths))


def warnings(finished: manifest.Manifest) -> list[str]:
    """What is odd about a data set: a line each, with the number and what to do.

    They are about the training examples; held-out ones are from the same text. Only the
    shares of masks, which no text explains, are checked in both.

    Args:
        finished: the data set's manifest, complete.

    Returns:
        Lines of text; none if all is as it should be.
    """
    return [
        *_wrong_masks(finished),
        *_about_documents(finished),
        *_about_text(finished),
        *_about_examples(finished),
    ]


def _wrong_masks(finished: manifest.Manifest) -> Iterator[str]:
    for name, split in finished.splits.items():
        measured = measures(split, finished.config)
        for share_name, share in MASK_SHARES.items():
            measure = measured[share_name]
            if measure.is_low or measure.is_high:
                yield (
                    f"{share_name} is {measure.value:.2%} of the predictions in {name}, "
                    f"not {share:.0%}, which is no chance: please report this as a bug, "
                    "with manifest.json."
                )


def _about_documents(finished: manifest.Manifest) -> Iterator[str]:
    train, held_out = (finished.splits[name] for name in manifest.SPLITS)
    config, reasons = finished.config, finished.bad_documents
    if reasons:
        most_frequent = max(reasons, key=lambda reason: reasons[reason])
        yield (
            f"{counted(sum(reasons.values()), 'document')} could not be used, most often "
            f"for {most_frequent} ({reasons[most_frequent]:,}): see dead_letter.jsonl "
            "and repair them."
        )
    if train.counts["documents"] < FEW_DOCUMENTS:
        yield (
            f"Only {counted(train.counts['documents'], 'document')} to train on, from "
            f"{counted(finished.inputs.num_files, 'file')}: put a blank line between "
            "documents if there is none, or give more text"
            + ("; random next sentences need others." if config.next_sentence else ".")
        )
    if config.held_out_fraction and not held_out.counts["examples"]:
        yield (
            f"No example is held out for --held_out_fraction={config.held_out_fraction}, "
            "so that nothing can be measured: give more documents or raise it."
        )
    duplicates = measures(train, config)["duplicate_documents"]
    if duplicates.is_high:
        yield (
            f"{duplicates.value:.1%} of the documents were repeated and dropped: look "
            "whether a file is given twice; --keep_duplicates uses them all."
        )


def _about_text(finished: manifest.Manifest) -> Iterator[str]:
    measured = measures(finished.splits["train"], finished.config)
    unknown, repeated = measured["unknown"], measured["repeated_sentences"]
    if unknown.is_high:
        yield (
            f"{unknown.value:.1%} of the tokens are [UNK]: text and vocabulary do not go "
            "together; learn one from this text, or change --do_lower_case="
            f"{str(finished.config.do_lower_case).lower()}."
        )
    if repeated.is_high:
        yield (
            f"{repeated.value:.1%} of the sentences are repetitions, such as menus or "
            "licences: remove such lines from the text."
        )


def _about_examples(finished: manifest.Manifest) -> Iterator[str]:
    train, config = finished.splits["train"], finished.config
    measured = measures(train, config)
    random_next, padding = measured["random_next"], measured["padding"]
    predictions = measured["predictions"]
    if random_next.is_high:
        yield (
            f"{random_next.value:.1%} of the next sentences are random ones, not half: "
            f"the documents are short for --max_seq_length={config.max_seq_length}; "
            "lower it, give longer documents, or use --next_sentence=false."
        )
    # With few documents it is clear why, and said already.
    if random_next.is_low and train.counts["documents"] >= FEW_DOCUMENTS:
        yield (
            f"Only {random_next.value:.1%} of the next sentences are random ones, not "
            f"half: {counted(train.counts['documents'], 'document')} are few for "
            f"{counted(train.num_buckets, 'group')} to draw them from; cut long "
            "documents by blank lines, at chapters for example."
        )
    if padding.is_high:
        length = fitting_length(train.histograms["example_tokens"], share=0.95)
        yield (
            f"{padding.value:.1%} of what the model is given is padding: 95% of the "
            f"examples have at most {counted(length, 'token')}; lower "
            f"--max_seq_length={config.max_seq_length}, or join short documents."
        )
    if predictions.is_low:
        yield (
            f"Only {predictions.value:.1%} of the tokens are predicted, not "
            f"{config.masked_lm_prob:.1%}: raise --max_predictions_per_seq="
            f"{config.max_predictions_per_seq} to "
            f"{needed_predictions(config.max_seq_length, config)}."
        )


def fitting_length(histogram: Sequence[int], *, share: float) -> int:
    """The least index up to which a share of all that a histogram counts is."""
    enough = share * sum(histogram)
    totals = itertools.accumulate(histogram)
    return next(length for length, total in enumerate(totals) if total >= enough)
