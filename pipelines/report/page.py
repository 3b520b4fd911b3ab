"""The sections of the report, from top to bottom."""

import dataclasses

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import manifest
from bert_tf.html.elements import Element, details, document, element, pairs, table
from bert_tf.html.sections import counted, section, setting, warnings
from pipelines.report import charts, checks, samples

_TITLES = {"train": "Training examples", "held_out": "Held-out examples"}
_AMOUNTS = {
    "documents": "Documents",
    "duplicate_documents": "Repeated documents, dropped",
    "sentences": "Sentences",
    "tokens": "Tokens of the documents",
    "examples": "Examples",
    "example_tokens": "Tokens of the examples",
    "predictions": "Tokens to predict",
    "no_partner_actual_next": "Pairs without another document, given their true next",
    "no_partner_dropped": "Pairs without another document, dropped",
}
_MASKS = {
    "predictions_masked": "… behind [MASK]",
    "predictions_kept": "… kept",
    "predictions_random": "… behind a random token",
}
_BASELINES = {
    "masked_lm_accuracy": "always predicting the most frequent token of training",
    "masked_lm_perplexity": "predicting each token by how often it was in training",
    "next_sentence_accuracy": "always giving the more frequent answer",
}
_COLUMNS = ("Training", "Held out")
_NUM_OPEN_SAMPLES = 3
_MAX_SHARDS = 100


def render(finished: manifest.Manifest) -> str:
    """The report of a data set.

    Args:
        finished: its manifest, complete.

    Returns:
        HTML of one file that needs no other and no network.
    """
    return document(
        f"Pretraining data: {_num_examples(finished)}",
        _header(finished),
        element(
            "main",
            warnings(checks.warnings(finished)),
            _overview(finished),
            *(
                _split(name, split, finished.config)
                for name, split in finished.splits.items()
            ),
            _config(finished),
            _shards(finished),
        ),
    )


def _num_examples(finished: manifest.Manifest) -> str:
    return counted(finished.splits["train"].counts["examples"], "example")


def _header(finished: manifest.Manifest) -> Element:
    config, inputs, splits = finished.config, finished.inputs, finished.splits.values()
    return element(
        "header",
        element("p", "Pretraining data", class_="kicker"),
        element("h1", f"{_num_examples(finished)} to train on"),
        pairs(
            {
                "Held out": counted(
                    finished.splits["held_out"].counts["examples"], "example"
                ),
                "Documents": f"{sum(each.counts['documents'] for each in splits):,}",
                "Their tokens": f"{sum(each.counts['tokens'] for each in splits):,}",
                "Read": f"{counted(inputs.num_files, 'file')}, "
                f"{_bytes(inputs.num_bytes)}",
                "Written": _bytes(
                    sum(shard.num_bytes for each in splits for shard in each.shards)
                ),
                "Vocabulary": element(
                    "span",
                    f"{counted(finished.vocab_size, 'token')}, ",
                    element("code", finished.vocab_digest[:12]),
                ),
                "Case": "lower, no accents" if config.do_lower_case else "as written",
                "Sequence length": counted(config.max_seq_length, "token"),
                "Masks": "static"
                if config.masking == "static"
                else "drawn anew in each epoch; here: the first",
                "Segments": "pairs" if config.next_sentence else "single",
                "Seed": f"{config.random_seed}",
                "Document groups": f"{finished.splits['train'].num_buckets:,}",
            },
            class_="facts",
        ),
        element(
            "p",
            " · ".join(
                f"{tool} {version}" for tool, version in finished.versions.items()
            ),
            class_="quiet",
        ),
    )


def _overview(finished: manifest.Manifest) -> Element:
    return section(
        "Overview",
        element(
            "div",
            element(
                "div",
                _amounts(finished),
                *_bad_documents(finished),
                *_baselines(finished),
            ),
            _shares(finished),
            class_="columns",
        ),
    )


def _amounts(finished: manifest.Manifest) -> Element:
    splits = finished.splits.values()
    rows = [
        (label, *(f"{split.counts[name]:,}" for split in splits))
        for name, label in _AMOUNTS.items()
    ]
    return table(("Amounts", *_COLUMNS), rows)


def _shares(finished: manifest.Manifest) -> Element:
    measured = [
        checks.measures(split, finished.config) for split in finished.splits.values()
    ]
    rows = [
        (
            element("span", label, element("small", meaning)),
            *(_share(of_split[name]) for of_split in measured),
        )
        for name, (label, meaning) in _meanings(finished).items()
    ]
    return table(("Shares", *_COLUMNS), rows)


def _meanings(finished: manifest.Manifest) -> dict[str, tuple[str, str]]:
    config = finished.config
    lengths = finished.splits["train"].histograms["example_tokens"]
    capped_share = checks.capped_share(lengths, config)
    predictions = (
        f"{100 * config.masked_lm_prob:g}% of an example's tokens, at least 1 and "
        f"at most {config.max_predictions_per_seq}"
    )
    if capped_share:
        predictions += f", too few for {capped_share:.1%} of the training examples"
    return {
        "random_next": (
            "Random next sentences",
            "of the examples; half where documents are long"
            if config.next_sentence
            else "none: each example is a single segment",
        ),
        "predictions": ("Tokens to predict", predictions),
        **{
            name: (_MASKS[name], f"{share:.0%} of those to predict")
            for name, share in checks.MASK_SHARES.items()
        },
        "padding": ("Padding", "of what the model is given"),
        "unknown": ("[UNK]", "of the documents' tokens"),
        "repeated_sentences": ("Repeated sentences", "estimated from some of them"),
        "duplicate_documents": ("Repeated documents", "dropped, of all that were read"),
    }


def _share(measure: checks.Measure) -> Element:
    if measure.value is None:
        return element("span", "–")
    value = f"{measure.value:.2%}"
    if (measure.low, measure.high) == (0, 1):
        return element("span", value)
    is_off = measure.is_low or measure.is_high
    bounds = "–".join(
        f"{100 * bound:.2f}".rstrip("0").rstrip(".")
        for bound in (measure.low, measure.high)
    )
    verdict = "▲ outside " if is_off else "✓ within "
    return element(
        "span",
        value,
        element("small", verdict, element("span", f"{bounds}%")),
        class_="off" if is_off else "fine",
    )


def _split(name: str, split: manifest.Split, config: PretrainingDataConfig) -> Element:
    if not split.counts["examples"]:
        return section(_TITLES[name], element("p", "There are none."))
    histograms = split.histograms
    example_bins = charts.linear_bins(
        histograms["example_tokens"], limit=config.max_seq_length
    )
    return section(
        _TITLES[name],
        element(
            "div",
            charts.figure("example", example_bins),
            charts.figure("document", charts.power_bins(histograms["document_tokens"])),
            charts.figure("sentence", charts.power_bins(histograms["sentence_tokens"])),
            class_="figures",
        ),
        element("h3", "Most frequent words"),
        element(
            "ol",
            *(
                element("li", element("bdi", word), " ", element("small", f"{count:,}"))
                for word, count in split.frequent_words
            ),
            class_="words",
        ),
        element("h3", "What the model is given"),
        samples.legend(),
        *(
            samples.example(number, sample, open_=number <= _NUM_OPEN_SAMPLES)
            for number, sample in enumerate(split.samples, start=1)
        ),
    )


def _bad_documents(finished: manifest.Manifest) -> list[Element]:
    rows = [(reason, f"{count:,}") for reason, count in finished.bad_documents.items()]
    return [table(("Not usable", "Documents"), rows)] if rows else []


def _baselines(finished: manifest.Manifest) -> list[Element]:
    rows = [
        (
            element("span", name, element("small", _BASELINES[name])),
            f"{value:,.1f}" if name.endswith("perplexity") else f"{value:.2%}",
        )
        for name, value in finished.baselines.items()
    ]
    return [table(("What a model must beat", "Held out"), rows)] if rows else []


def _config(finished: manifest.Manifest) -> Element:
    return section(
        "Configuration",
        pairs(
            {
                each.name: setting(
                    getattr(finished.config, each.name), default=each.default
                )
                for each in dataclasses.fields(finished.config)
            },
            class_="config",
        ),
    )


def _shards(finished: manifest.Manifest) -> Element:
    shards = [shard for split in finished.splits.values() for shard in split.shards]
    rows = [
        (shard.name, f"{shard.num_examples:,}", _bytes(shard.num_bytes), shard.sha256)
        for shard in shards[:_MAX_SHARDS]
    ]
    summary = counted(len(shards), "shard")
    if len(rows) < len(shards):
        summary += f", the first {len(rows)} here, all in {manifest.MANIFEST_NAME}"
    return section(
        "Files", details(summary, table(("File", "Examples", "Size", "SHA-256"), rows))
    )


def _bytes(number: int) -> str:
    """`512 bytes`, `2.4 kB`, `16.9 GB`."""
    for exponent, unit in ((4, "TB"), (3, "GB"), (2, "MB"), (1, "kB")):
        if number >= 1000**exponent:
            return f"{number / 1000**exponent:,.1f} {unit}"
    return counted(number, "byte")
