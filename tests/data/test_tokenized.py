"""Flat documents: whatever is done to them, each keeps its sentences and tokens."""

import numpy as np
import pytest
from hypothesis import given, strategies

from bert_tf.data import tokenized, vocab
from tests.made_documents import TOKENS, VOCABULARY, document_of, make_documents, tokenize


def unpacked(documents):
    """Key and sentences of each document."""
    return [
        (
            tuple(documents.keys[index].tolist()),
            [
                documents.token_ids[start:stop].tolist()
                for start, stop in zip(
                    documents.sentence_splits[first:last],
                    documents.sentence_splits[first + 1 : last + 1],
                    strict=True,
                )
            ],
        )
        for index, (first, last) in enumerate(
            zip(documents.document_splits, documents.document_splits[1:], strict=False)
        )
    ]


any_keys = strategies.integers(0, 2**64 - 1)
few_keys = strategies.sampled_from([0, 1, 2**63, 2**64 - 2, 2**64 - 1])


@strategies.composite
def flat_documents(draw, keys=any_keys):
    """Documents with some keys and tokens that are numbered through."""
    sizes = draw(
        strategies.lists(
            strategies.lists(strategies.integers(1, 4), min_size=1, max_size=3),
            max_size=8,
        )
    )
    lengths = [length for document in sizes for length in document]
    return tokenized.TokenizedDocuments(
        keys=np.array([(draw(keys), draw(keys)) for _ in sizes], np.uint64).reshape(
            -1, 2
        ),
        document_splits=tokenized.splits_of(np.array([len(each) for each in sizes], int)),
        sentence_splits=tokenized.splits_of(np.array(lengths, int)),
        token_ids=np.arange(sum(lengths), dtype=np.uint16),
    )


def test_one_call_tokenizes_as_many_calls_do():
    read_documents = make_documents(5)
    together = tokenize(read_documents)
    apart = tokenized.concatenate([tokenize([each]) for each in read_documents])
    assert unpacked(together) == unpacked(apart)
    pieces = {"def": "d ##e ##f", "dee": "d ##e ##e"}
    for (_, sentences), document in zip(unpacked(together), read_documents, strict=True):
        assert [
            [TOKENS[token_id] for token_id in sentence] for sentence in sentences
        ] == [
            " ".join(pieces.get(word, word) for word in line.split()).split()
            for line in document.text.decode().split("\n")
        ]


def test_keys_are_those_of_the_documents():
    read_documents = make_documents(3)
    assert [
        b"".join(int(half).to_bytes(8, "big") for half in key)
        for key in tokenize(read_documents).keys
    ] == [document.key() for document in read_documents]


def test_sentences_without_tokens_are_left_out_and_such_documents_are_bad():
    read = [
        document_of("\x01", "a b", "\x02", "c"),
        document_of("\x01"),
        document_of("d", "\x01"),
    ]
    tokenizer = tokenized.DocumentTokenizer(VOCABULARY, lower_case=True)
    found, bad = tokenizer.tokenize(read)
    assert [sentences for _, sentences in unpacked(found)] == [[[5, 6], [7]], [[8]]]
    assert [each.reason for each in bad] == ["no_tokens"]


@pytest.mark.parametrize(("size", "dtype"), [(1 << 16, "uint16"), (1 << 17, "uint32")])
def test_tokens_are_as_small_as_the_vocabulary_allows(size, dtype):
    tokens = (*TOKENS, *(f"t{number}" for number in range(size - len(TOKENS))))
    found = tokenize([document_of("a t9")], vocab.Vocabulary(tokens))
    assert found.token_ids.dtype == dtype
    assert found.token_ids.tolist() == [5, len(TOKENS) + 9]


@given(flat_documents())
def test_bytes_hold_everything(documents):
    payload = documents.to_bytes()
    assert unpacked(tokenized.TokenizedDocuments.from_bytes(payload)) == unpacked(
        documents
    )


@given(strategies.lists(flat_documents(), min_size=1, max_size=3))
def test_concatenating_slicing_and_sorting_keep_documents_together(parts):
    expected = [document for part in parts for document in unpacked(part)]
    joined = tokenized.concatenate(parts)
    assert unpacked(joined) == expected
    middle = len(expected) // 2
    assert unpacked(joined.slice(0, middle)) == expected[:middle]
    assert unpacked(joined.slice(middle, len(expected))) == expected[middle:]
    assert unpacked(joined.sort()) == sorted(expected, key=lambda each: each[0])


@given(flat_documents(few_keys), few_keys, few_keys | strategies.just(2**64))
def test_a_range_of_keys_holds_just_these(documents, first, stop):
    in_order = documents.sort()
    if first < stop:
        found = in_order.range_of_keys(first, stop)
        assert unpacked(found) == [
            each for each in unpacked(in_order) if first <= each[0][0] < stop
        ]


@given(flat_documents(few_keys))
def test_distinct_documents_have_a_key_each(documents):
    in_order = documents.sort()
    firsts = {}
    for key, sentences in unpacked(in_order):
        firsts.setdefault(key, sentences)
    assert unpacked(tokenized.distinct(in_order)) == list(firsts.items())


def test_nothing_has_no_documents():
    nothing = tokenized.empty(10)
    assert unpacked(nothing.sort()) == []
    assert unpacked(nothing.range_of_keys(0, 2**64)) == []
    assert unpacked(tokenized.distinct(nothing)) == []
