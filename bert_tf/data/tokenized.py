"""Many tokenized documents as a few flat arrays: what moves from readers to examples."""

import struct
import threading
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import tensorflow as tf

from bert_tf.data.compiled import compiled
from bert_tf.data.documents import BadDocument, Document
from bert_tf.data.token_memory import TokenMemory
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary

_HEADER = struct.Struct("<QQQQ")  # documents, sentences, tokens, bytes of a token


class TokenizedDocuments(NamedTuple):
    """D documents with S sentences and T tokens together, none of them empty.

    Attributes:
        keys: uint64 [D, 2], `Document.key` as two numbers, the higher half first.
        document_splits: int64 [D + 1], which sentences belong to which document.
        sentence_splits: int64 [S + 1], which tokens belong to which sentence.
        token_ids: uint16 [T], or uint32 for vocabularies above 65,536 tokens.
    """

    keys: np.ndarray
    document_splits: np.ndarray
    sentence_splits: np.ndarray
    token_ids: np.ndarray

    @property
    def num_documents(self) -> int:
        """D."""
        return len(self.keys)

    def slice(self, start: int, stop: int) -> Self:
        """Some consecutive documents; a view where possible."""
        document_splits = self.document_splits[start : stop + 1]
        sentence_splits = self.sentence_splits[
            document_splits[0] : document_splits[-1] + 1
        ]
        return type(self)(
            keys=self.keys[start:stop],
            document_splits=document_splits - document_splits[0],
            sentence_splits=sentence_splits - sentence_splits[0],
            token_ids=self.token_ids[sentence_splits[0] : sentence_splits[-1]],
        )

    def take(self, indexes: np.ndarray) -> Self:
        """Some documents in another order; `indexes` is int64 [N]."""
        sentence_sizes, document_splits = _take_spans(
            np.diff(self.sentence_splits), self.document_splits, indexes
        )
        token_splits = self.sentence_splits[self.document_splits]
        token_ids, _ = _take_spans(self.token_ids, token_splits, indexes)
        return type(self)(
            keys=self.keys[indexes],
            document_splits=document_splits,
            sentence_splits=splits_of(sentence_sizes),
            token_ids=token_ids,
        )

    def sort(self) -> Self:
        """The documents by key."""
        return self.take(np.lexsort((self.keys[:, 1], self.keys[:, 0])))

    def range_of_keys(self, start: int, stop: int) -> Self:
        """The documents whose higher half of the key is in a range; they are sorted.

        Args:
            start: the first, at least 0.
            stop: the one after the last, at most 2**64.
        """
        halves = self.keys[:, 0]
        bounds = [
            len(halves)
            if key >= 1 << 64
            else int(np.searchsorted(halves, np.uint64(key)))
            for key in (start, stop)
        ]
        return self.slice(*bounds)

    def to_bytes(self) -> bytes:
        """All of it, little-endian; `from_bytes` is the inverse."""
        header = _HEADER.pack(
            len(self.keys),
            len(self.sentence_splits) - 1,
            len(self.token_ids),
            self.token_ids.itemsize,
        )
        return b"".join(
            (
                header,
                self.keys.astype("<u8").tobytes(),
                self.document_splits.astype("<i8").tobytes(),
                self.sentence_splits.astype("<i8").tobytes(),
                self.token_ids.astype(f"<u{self.token_ids.itemsize}").tobytes(),
            )
        )

    @classmethod
    def from_bytes(cls, buffer: bytes | memoryview) -> Self:
        """What `to_bytes` made, as views of `buffer`, which may be a mapped file."""
        num_documents, num_sentences, num_tokens, token_bytes = _HEADER.unpack_from(
            buffer
        )
        offset = _HEADER.size
        arrays = []
        for dtype, count in (
            ("<u8", 2 * num_documents),
            ("<i8", num_documents + 1),
            ("<i8", num_sentences + 1),
            (f"<u{token_bytes}", num_tokens),
        ):
            arrays.append(np.frombuffer(buffer, dtype, count, offset))
            offset += arrays[-1].nbytes
        keys, document_splits, sentence_splits, token_ids = arrays
        return cls(keys.reshape(-1, 2), document_splits, sentence_splits, token_ids)


def concatenate(parts: Sequence[TokenizedDocuments]) -> TokenizedDocuments:
    """One after the other; at least one part."""
    return TokenizedDocuments(
        keys=np.concatenate([part.keys for part in parts]),
        document_splits=_join_splits([part.document_splits for part in parts]),
        sentence_splits=_join_splits([part.sentence_splits for part in parts]),
        token_ids=np.concatenate([part.token_ids for part in parts]),
    )


def _join_splits(parts: Sequence[np.ndarray]) -> np.ndarray:
    sizes = np.concatenate([np.diff(part) for part in parts])
    return splits_of(sizes)


def splits_of(sizes: np.ndarray) -> np.ndarray:
    """From the sizes of N spans, int [N], to int64 [N + 1]: 0 and where each ends."""
    splits = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=splits[1:])
    return splits


@compiled
def _take_spans(values, splits, indexes):
    """The values of some spans, and the splits of these."""
    new_splits = np.zeros(len(indexes) + 1, np.int64)
    for new, old in enumerate(indexes):
        new_splits[new + 1] = new_splits[new] + splits[old + 1] - splits[old]
    taken = np.empty(new_splits[-1], values.dtype)
    taken_index = 0
    for old in indexes:
        for index in range(splits[old], splits[old + 1]):  # a slice compiles for long
            taken[taken_index] = values[index]
            taken_index += 1
    return taken, new_splits


class DocumentTokenizer:
    """Tokenizes documents as `BertTokenizer` does, which raises what it raises."""

    def __init__(self, vocabulary: Vocabulary, *, lower_case: bool):
        tokenizer = BertTokenizer(vocabulary, lower_case=lower_case)
        # In a graph, because the many small operations for the few words beyond ASCII
        # take longer one by one; without autograph, which takes seconds and has no use.
        tokenize = tf.function(
            tokenizer.tokenize,
            input_signature=[tf.TensorSpec([None], tf.string)],
            autograph=False,
        )

        def tokenize_words(words):
            tokens = tokenize(words)
            return tokens.flat_values.numpy(), tokens.row_splits.numpy()

        self._vocab_size = len(vocabulary)
        self._memory = TokenMemory(tokenize_words)
        self._lock = threading.Lock()

    def tokenize(
        self, documents: Sequence[Document]
    ) -> tuple[TokenizedDocuments, list[BadDocument]]:
        """Tokenizes all sentences of at least one document. Threads take turns.

        Returns:
            The documents without their sentences that have no token, and a BadDocument
            (reason `no_tokens`) for each without any.
        """
        text = b"\n".join([each.text for each in documents])
        with self._lock:
            token_ids, sentence_splits = self._memory.tokenize(text)
        return tokenized_documents(
            documents,
            token_ids=token_ids,
            sentence_splits=sentence_splits,
            vocab_size=self._vocab_size,
        )


def tokenized_documents(
    documents: Sequence[Document],
    *,
    token_ids: np.ndarray,
    sentence_splits: np.ndarray,
    vocab_size: int,
) -> tuple[TokenizedDocuments, list[BadDocument]]:
    """Puts tokens and documents together; what a DocumentTokenizer ends with.

    Args:
        documents: at least one, S sentences together.
        token_ids: int [T], of all sentences.
        sentence_splits: int64 [S + 1], which tokens belong to which sentence.
        vocab_size: above 65,536 a token takes four bytes, else two.
    """
    # A sentence of control characters has no tokens; pairs must not be made of it.
    is_used = np.diff(sentence_splits) > 0
    num_used = splits_of(is_used)
    num_sentences = np.array([each.text.count(b"\n") + 1 for each in documents], np.int64)
    document_sizes = np.diff(num_used[splits_of(num_sentences)])
    keys = np.frombuffer(b"".join(document.key() for document in documents), ">u8")
    good = document_sizes > 0
    bad = [
        BadDocument(
            path=documents[index].path,
            offset=documents[index].offset,
            num_bytes=documents[index].num_bytes,
            reason="no_tokens",
            detail="none of its characters is in any token",
        )
        for index in np.flatnonzero(~good)
    ]
    tokenized = TokenizedDocuments(
        keys=keys.astype(np.uint64).reshape(-1, 2)[good],
        document_splits=splits_of(document_sizes[good]),
        sentence_splits=np.append(sentence_splits[:-1][is_used], sentence_splits[-1]),
        token_ids=token_ids.astype(np.uint16 if vocab_size <= 1 << 16 else np.uint32),
    )
    return tokenized, bad


def first_copies(documents: TokenizedDocuments) -> np.ndarray:
    """int64 [D]: the index of the first of the sorted documents with the same key."""
    numbers = np.arange(documents.num_documents)
    is_copy = (documents.keys[1:] == documents.keys[:-1]).all(axis=1)
    return np.maximum.accumulate(np.where(np.append(False, is_copy)[numbers], 0, numbers))


def distinct(documents: TokenizedDocuments) -> TokenizedDocuments:
    """Sorted documents, each content once."""
    numbers = np.arange(documents.num_documents)
    firsts = numbers[first_copies(documents) == numbers]
    return documents if len(firsts) == len(numbers) else documents.take(firsts)


def empty(vocab_size: int) -> TokenizedDocuments:
    """No documents."""
    none, _ = tokenized_documents(
        (),
        token_ids=np.empty(0, np.int32),
        sentence_splits=np.zeros(1, np.int64),
        vocab_size=vocab_size,
    )
    return none
