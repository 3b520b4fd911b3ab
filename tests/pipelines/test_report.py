"""The report: it shows the manifest's numbers, and warns when it should."""

import dataclasses
import random
import re

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from bert_tf import config
from bert_tf.data import examples, manifest
from pipelines import report
from pipelines.report import charts, checks
from tests.html_page import Page

COUNTS = {
    "documents": 1000,
    "duplicate_documents": 100,
    "sentences": 12_345,
    "tokens": 200_000,
    "unknown_tokens": 9876,
    "examples": 2000,
    "example_tokens": 190_000,
    "random_next": 1100,
    "no_partner_actual_next": 7,
    "no_partner_dropped": 3,
    "predictions": 28_000,
    "predictions_masked": 22_401,
    "predictions_kept": 2799,
    "predictions_random": 2800,
}
SAMPLE = manifest.Sample(
    tokens=("[CLS]", "un", "##able", "[MASK]", "[SEP]", "dog", "cat", "[SEP]"),
    second_start=5,
    positions=(3, 5, 6),
    labels=("##s", "dog", "man"),
    is_random_next=True,
)
NO_SPLIT = manifest.Split(
    shards=(),
    num_buckets=1,
    counts=dict.fromkeys(COUNTS, 0),
    random_next_share=None,
    padding_share=None,
    repeated_sentence_share=None,
    histograms={"example_tokens": (), "sentence_tokens": (), "document_tokens": ()},
    frequent_words=(),
    samples=(),
)


def a_split(**changes):
    return dataclasses.replace(
        manifest.Split(
            shards=(
                manifest.Shard(
                    name="train-00000-of-00001.tfrecord",
                    num_examples=2000,
                    num_bytes=1_234_567,
                    sha256="ab" * 32,
                ),
            ),
            num_buckets=4,
            counts=COUNTS,
            random_next_share=0.55,
            padding_share=0.2577,
            repeated_sentence_share=0.0999,
            histograms={
                "example_tokens": (0,) * 20 + (400,) + (0,) * 107 + (1600,),
                "sentence_tokens": (345, 2000, 10_000),
                "document_tokens": (0, 0, 0, 600, 0, 400),
            },
            frequent_words=(("the", 4321), ("of", 1234)),
            samples=(SAMPLE,),
        ),
        **changes,
    )


def a_manifest(*, train=None, held_out=None, bad_documents=(), **changed_config):
    return manifest.Manifest(
        data_dir="somewhere",
        config=config.PretrainingDataConfig(**changed_config),
        vocab_digest="0123456789abcdef" * 4,
        vocab_size=30_522,
        splits={"train": train or a_split(), "held_out": held_out or a_split()},
        bad_documents=dict(bad_documents),
        inputs=manifest.Inputs(num_files=3, num_bytes=987_654_321, digest="ef"),
        baselines={
            "masked_lm_accuracy": 0.0512,
            "masked_lm_perplexity": 1234.56,
            "next_sentence_accuracy": 0.55,
        },
        versions={"python": "3.11.9"},
    )


def counting(**changes):
    return a_split(counts=COUNTS | changes)


def test_the_numbers_are_those_of_the_manifest():
    found = Page(
        report.render(a_manifest(held_out=NO_SPLIT, bad_documents={"not_utf8": 17}))
    )
    assert "2,000 examples to train on" in found.text
    assert found.pairs["Held out"] == "0 examples"
    assert found.pairs["Documents"] == "1,000"
    assert found.pairs["Read"] == "3 files, 987.7 MB"
    assert found.pairs["Vocabulary"] == "30,522 tokens, 0123456789ab"
    assert found.rows["Sentences"] == ["12,345", "0"]
    assert found.rows["Tokens of the examples"] == ["190,000", "0"]
    assert found.rows["Random next sentences"] == ["55.00%✓ within 40–60%", "–"]
    assert found.rows["Tokens to predict"] == ["14.74%", "–"]
    # 0.8 -+ 5 * sqrt(0.8 * 0.2 / 28000)
    assert found.rows["… behind [MASK]"] == ["80.00%✓ within 78.8–81.2%", "–"]
    assert found.rows["[UNK]"] == ["4.94%✓ within 0–5%", "–"]
    assert found.rows["not_utf8"] == ["17"]
    assert found.rows["masked_lm_perplexity"] == ["1,234.6"]
    assert found.rows["20–23"] == ["400", "20.00%"]
    assert found.rows["train-00000-of-00001.tfrecord"] == ["2,000", "1.2 MB", "ab" * 32]
    assert "the 4,321" in found.text
    assert "python 3.11.9" in found.text


def test_all_that_is_counted_is_shown():
    names = {*COUNTS, *examples.COUNTS}
    counts = {name: 1_000_001 + i for i, name in enumerate(sorted(names))}
    found = Page(report.render(a_manifest(train=a_split(counts=counts))))
    in_shares = {"random_next", "unknown_tokens", *checks.MASK_SHARES}
    for name in set(counts) - in_shares:
        assert f"{counts[name]:,}" in found.text, name


def test_the_whole_configuration_is_shown_and_what_was_changed():
    finished = a_manifest(dupe_factor=3)
    found = Page(report.render(finished))
    for name, value in dataclasses.asdict(finished.config).items():
        assert found.pairs[name].startswith(str(value))
    assert found.pairs["dupe_factor"] == "3default 10"
    assert found.pairs["random_seed"] == "12345"


def test_each_baseline_is_explained():
    baselines = manifest.held_out_baselines(
        train_labels=np.ones(3),
        held_out_labels=np.ones(3),
        num_random_next=1,
        num_examples=3,
    )
    finished = dataclasses.replace(a_manifest(), baselines=baselines)
    assert set(baselines) <= set(Page(report.render(finished)).rows)


def test_a_sample_tells_what_is_hidden_behind_what():
    written = report.render(a_manifest())
    text = Page(written).text
    assert "Example 1: random next, 8 tokens, 3 to predict" in text
    assert '<ruby class="masked">[MASK]<rt>##s</rt></ruby>' in written
    assert '<ruby class="kept">dog<rt>kept</rt></ruby>' in written
    assert '<ruby class="replaced">cat<rt>was: man</rt></ruby>' in written
    # Pieces of a word are written together, also where one of them is hidden.
    assert "A [CLS] un##able[MASK]##s [SEP]" in text
    assert "B dogkept catwas: man [SEP]" in text


def test_without_pairs_there_is_one_segment_and_no_share_of_random_ones():
    sample = dataclasses.replace(
        SAMPLE, second_start=len(SAMPLE.tokens), is_random_next=None
    )
    finished = a_manifest(
        train=a_split(random_next_share=None, samples=(sample,)),
        held_out=NO_SPLIT,
        held_out_fraction=0.0,
        next_sentence=False,
    )
    found = Page(report.render(finished))
    assert "Example 1: a single segment" in found.text
    assert found.rows["Random next sentences"] == ["–", "–"]
    assert not any(attrs.get("class") == "segment b" for _, attrs in found.elements)
    assert report.warnings(finished) == []


@pytest.mark.parametrize("word", ["שלום", "مرحبا"])
def test_text_from_right_to_left_is_set_so(word):
    sample = dataclasses.replace(
        SAMPLE, tokens=("[CLS]", word, word, "[MASK]", "[SEP]", "dog", "cat", "[SEP]")
    )
    found = Page(report.render(a_manifest(train=a_split(samples=(sample,)))))
    directions = [attrs["dir"] for tag, attrs in found.elements if "dir" in attrs]
    assert directions[:2] == ["rtl", "ltr"]


HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x>",
    "&lt;",
    "</style>",
    "a\u202eb\0",
)


@pytest.mark.parametrize("word", HOSTILE)
def test_no_text_is_taken_for_markup(word):
    sample = dataclasses.replace(
        SAMPLE,
        tokens=("[CLS]", word, f"##{word}", "[MASK]", "[SEP]", word, word, "[SEP]"),
        labels=(word, word, "man"),
    )
    hostile = a_split(samples=(sample,), frequent_words=((word, 3),))
    written = report.render(a_manifest(train=hostile, bad_documents={word: 1}))
    assert not re.search("[\u202e\0]", written)
    found, usual = Page(written), Page(report.render(a_manifest(bad_documents={"x": 1})))
    assert {tag for tag, _ in found.elements} == {tag for tag, _ in usual.elements}
    visible = word.replace("\u202e", "U+202E").replace("\0", "U+0000")
    # In a warning and a table, a word list, and in tokens and labels.
    assert found.text.count(visible) == 3 + 5


def test_nothing_is_loaded_from_elsewhere():
    written = report.render(a_manifest())
    assert not re.search(r"https?:|//|@import|url\(", written)
    for tag, attrs in Page(written).elements:
        assert tag not in ("script", "link", "img", "iframe", "object")
        assert not {"src", "href", "onclick"} & set(attrs)


def test_it_stays_small():
    rng = random.Random(0)
    tokens = tuple("".join(rng.choices("etaoin", k=6)) for _ in range(512))
    positions = tuple(range(3, 512, 7))
    sample = manifest.Sample(
        tokens=tokens,
        second_start=256,
        positions=positions,
        labels=("another",) * len(positions),
        is_random_next=False,
    )
    long = a_split(samples=(sample,) * 12, shards=a_split().shards * 5000)
    written = report.render(a_manifest(train=long, held_out=long, max_seq_length=512))
    assert len(written.encode()) < 250_000
    assert "10,000 shards, the first 100 here, all in manifest.json" in written


def test_charts_keep_every_example():
    rng = random.Random(0)
    for limit in (8, 31, 32, 100, 128, 512):
        histogram = [rng.randrange(9) for _ in range(limit + 1)]
        bins = charts.linear_bins(histogram, limit=limit)
        assert len(bins) <= 33
        for each in bins:
            assert each.count == sum(histogram[each.first : each.last + 1])
        assert [each.first for each in bins[1:]] == [each.last + 1 for each in bins[:-1]]
        assert (bins[0].first, bins[-1].last) == (0, limit)
    assert charts.power_bins([0, 2, 0, 5, 0]) == [
        charts.Bin(2, 3, 2),
        charts.Bin(4, 7, 0),
        charts.Bin(8, 15, 5),
    ]


@pytest.mark.parametrize(
    ("histogram", "label"), [([0, 1, 2], "2"), ([0, 2, 2], "1"), ([1, 0, 2], "2")]
)
def test_the_median_is_in_the_middle(histogram, label):
    assert charts.median_bin(charts.linear_bins(histogram, limit=2)).label == label


def test_the_length_that_fits_most():
    assert checks.fitting_length([0, 90, 5, 5], share=0.95) == 2
    assert checks.fitting_length([0, 90, 4, 6], share=0.95) == 3


def test_nothing_is_odd_about_a_usual_data_set():
    assert report.warnings(a_manifest()) == []
    assert "Nothing odd" in report.render(a_manifest())


SHORT_EXAMPLES = a_split().histograms | {"example_tokens": (0,) * 40 + (95, 0, 5)}
CAPPED = {"max_seq_length": 512, "max_predictions_per_seq": 20}
FIVE_SIGMA_MASKED = 5 * (0.8 * 0.2 * 28_000) ** 0.5  # 334.7 predictions
FIVE_SIGMA_KEPT = 5 * (0.1 * 0.9 * 28_000) ** 0.5  # 251.0


@pytest.mark.parametrize(
    ("usual", "odd", "message"),
    [
        (
            {"train": a_split(random_next_share=0.6)},
            {"train": a_split(random_next_share=0.601)},
            r"^60.1% of the next sentences are random .*short for --max_seq_length=128",
        ),
        (
            {"train": a_split(random_next_share=0.4)},
            {"train": a_split(random_next_share=0.399)},
            "^Only 39.9% of the next .* 1,000 documents are few for 4 groups",
        ),
        (
            {"train": a_split(repeated_sentence_share=0.1)},
            {"train": a_split(repeated_sentence_share=0.101)},
            "^10.1% of the sentences are repetitions",
        ),
        (
            {"train": a_split(padding_share=0.3)},
            {"train": a_split(padding_share=0.301, histograms=SHORT_EXAMPLES)},
            "^30.1% .* is padding: 95% of the examples have at most 40 tokens",
        ),
        (
            {"train": counting(documents=10, duplicate_documents=0)},
            {"train": counting(documents=9, duplicate_documents=0)},
            "^Only 9 documents to train on, from 3 files: .* next sentences need others",
        ),
        (
            {"train": counting(documents=10, duplicate_documents=0)},
            {
                "train": counting(documents=1, duplicate_documents=0),
                "next_sentence": False,
            },
            r"^Only 1 document to train on, from 3 files: .* give more text\.",
        ),
        (
            {"train": counting(unknown_tokens=10_000)},
            {"train": counting(unknown_tokens=10_200)},
            r"^5.1% of the tokens are \[UNK\]: .* --do_lower_case=true",
        ),
        (
            {"train": counting(documents=900, duplicate_documents=100)},
            {"train": counting(documents=900, duplicate_documents=101)},
            "^10.1% of the documents were repeated and dropped",
        ),
        (
            {"train": counting(predictions_masked=22_400 + int(FIVE_SIGMA_MASKED))},
            {"train": counting(predictions_masked=22_401 + int(FIVE_SIGMA_MASKED))},
            "^predictions_masked is 81.20% of the predictions in train, not 80%.*bug",
        ),
        (
            {"train": counting(predictions_masked=22_400 - int(FIVE_SIGMA_MASKED))},
            {"train": counting(predictions_masked=22_399 - int(FIVE_SIGMA_MASKED))},
            "^predictions_masked is 78.80% of the predictions in train",
        ),
        (
            {"held_out": counting(predictions_kept=2800 + int(FIVE_SIGMA_KEPT))},
            {"held_out": counting(predictions_kept=2801 + int(FIVE_SIGMA_KEPT))},
            "^predictions_kept is 10.90% of the predictions in held_out, not 10%.*bug",
        ),
        (
            {"train": counting(predictions=0, **dict.fromkeys(checks.MASK_SHARES, 0))},
            {"train": counting(predictions_random=0)},
            "^predictions_random is 0.00% of the predictions in train",
        ),
        (
            {"train": counting(example_tokens=233_333), **CAPPED},
            {"train": counting(example_tokens=233_334), **CAPPED},
            "^Only 12.0% .* not 15.0%: raise --max_predictions_per_seq=20 to 77",
        ),
        (
            {"train": counting(example_tokens=280_000)},  # for another reason
            {"train": counting(example_tokens=280_000), **CAPPED},
            "^Only 10.0% of the tokens are predicted",
        ),
        (
            {"held_out": NO_SPLIT, "held_out_fraction": 0.0},
            {"held_out": NO_SPLIT},
            "^No example is held out for --held_out_fraction=0.02",
        ),
        (
            {"bad_documents": {}},
            {"bad_documents": {"no_tokens": 2, "not_utf8": 1500}},
            r"^1,502 documents could not be used, most often for not_utf8 \(1,500\)",
        ),
    ],
)
def test_a_warning_comes_just_beyond_its_threshold(usual, odd, message):
    assert report.warnings(a_manifest(**usual)) == []
    (line,) = report.warnings(a_manifest(**odd))
    assert re.search(message, line)
    assert "\n" not in line
    text = Page(report.render(a_manifest(**odd))).text
    assert line in text
    assert "1 warning" in text


def test_what_is_outside_is_marked_as_such():
    found = Page(report.render(a_manifest(train=a_split(random_next_share=0.75))))
    assert found.rows["Random next sentences"] == [
        "75.00%▲ outside 40–60%",
        "55.00%✓ within 40–60%",
    ]


def test_it_is_said_how_many_examples_the_most_predictions_are_too_few_for():
    lengths = (0,) * 136 + (3, 0, 1)  # 20.4 and 20.7 to predict
    assert checks.capped_share(lengths, config.PretrainingDataConfig()) == 0.25
    split = a_split(histograms=a_split().histograms | {"example_tokens": lengths})
    written = report.render(a_manifest(train=split, max_seq_length=256))
    assert "at most 20, too few for 25.0% of the training examples" in written


shares = st.none() | st.floats(0, 1)
numbers = st.integers(0, 10**9)


@st.composite
def splits(draw):
    histogram = st.lists(numbers, max_size=20).map(tuple)
    has_examples = draw(st.booleans())
    tokens = tuple(draw(st.lists(st.text(min_size=1), max_size=9)))
    positions = tuple(range(0, len(tokens), 2))
    return manifest.Split(
        shards=(),
        num_buckets=draw(numbers),
        counts={
            name: draw(numbers) if has_examples or name != "examples" else 0
            for name in COUNTS
        },
        random_next_share=draw(shares),
        padding_share=draw(shares),
        repeated_sentence_share=draw(shares),
        histograms={
            f"{each}_tokens": (*draw(histogram), 1)
            for each in ("example", "document", "sentence")
        },
        frequent_words=tuple((token, draw(numbers)) for token in tokens),
        samples=(
            manifest.Sample(
                tokens=tokens,
                second_start=draw(st.integers(0, len(tokens))),
                positions=positions,
                labels=tokens[::-1][: len(positions)],
                is_random_next=draw(st.none() | st.booleans()),
            ),
        ),
    )


@hypothesis.settings(max_examples=30)
@hypothesis.given(
    train=splits(),
    held_out=st.just(NO_SPLIT) | splits(),
    next_sentence=st.booleans(),
    masking=st.sampled_from(config.MASKING),
)
def test_any_manifest_gives_one_page(train, held_out, next_sentence, masking):
    finished = a_manifest(
        train=train, held_out=held_out, next_sentence=next_sentence, masking=masking
    )
    written = report.render(finished)
    assert written == report.render(finished)
    found = Page(written)
    assert all(line in found.text for line in report.warnings(finished))
    written.encode("utf-8")
