"""Documents, and from their tokens to one compact payload."""

import dataclasses
import hashlib
import struct
from collections.abc import Iterator, Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class ByteRange:
    """A part of a file: bytes, or row groups of a Parquet file."""

    path: str
    start: int
    end: int | None  # exclusive; None: to the end of the file


@dataclasses.dataclass(frozen=True)
class Document:
    """One text and where it was found.

    Places are bytes of the decompressed file, markup and line ends included; in a Parquet
    file `offset` is the number of the row and `num_bytes` the size of its text.
    """

    path: str
    offset: int  # of its first byte
    num_bytes: int  # from there to its last byte
    # UTF-8. A line feed between sentences, none of them empty; no white space around
    # them, and one space for each run of it within.
    text: bytes

    def key(self) -> bytes:
        """16 bytes that depend on the content alone: same content, same key."""
        return hashlib.blake2b(self.text, digest_size=16).digest()


@dataclasses.dataclass(frozen=True)
class BadDocument:
    """A document that cannot be used, or a part of a file that is none."""

    path: str
    offset: int  # as of a Document
    num_bytes: int
    reason: str  # a fixed word, to be counted by
    detail: str  # for people


def byte_ranges(path: str, *, size: int, range_bytes: int) -> list[ByteRange]:
    """Cuts a file into ranges of at most `range_bytes`; a small one stays whole.

    Args:
        path: carried along.
        size: of the file, in bytes.
        range_bytes: at least 1.

    Returns:
        Ranges that cover the file without overlap, in order.
    """
    if size <= range_bytes:
        return [ByteRange(path=path, start=0, end=None)]
    return [
        ByteRange(path=path, start=start, end=min(start + range_bytes, size))
        for start in range(0, size, range_bytes)
    ]


@dataclasses.dataclass(frozen=True)
class TokenizedDocument:
    """What instances are made of."""

    key: bytes  # 16 bytes, Document.key
    token_ids: np.ndarray  # [T] uint16 or uint32: all sentences, one after the other
    sentence_ends: np.ndarray  # [S] uint32: index after the last token of each sentence

    def to_bytes(self) -> bytes:
        """The key and then little-endian numbers: what Beam moves around."""
        header = struct.pack("<BI", self.token_ids.itemsize, len(self.sentence_ends))
        ends = self.sentence_ends.astype("<u4").tobytes()
        ids = self.token_ids.astype(f"<u{self.token_ids.itemsize}").tobytes()
        return b"".join((self.key, header, ends, ids))

    @classmethod
    def from_bytes(cls, payload: bytes) -> "TokenizedDocument":
        """The inverse of `to_bytes`; its arrays are views of `payload`."""
        item_size, num_sentences = struct.unpack_from("<BI", payload, 16)
        ends = np.frombuffer(payload, "<u4", count=num_sentences, offset=21)
        ids = np.frombuffer(payload, f"<u{item_size}", offset=21 + 4 * num_sentences)
        return cls(key=payload[:16], token_ids=ids, sentence_ends=ends)


def tokenize_block(
    block: Sequence[Document], tokenizer, *, vocab_size: int
) -> Iterator[TokenizedDocument | BadDocument]:
    """Tokenizes the sentences of all documents in one call.

    Args:
        block: N documents.
        tokenizer: a bert_tf.data.tokenization.BertTokenizer.
        vocab_size: of its vocabulary.

    Yields:
        N elements, see `tokenized_documents`.
    """
    tokens = tokenizer.tokenize(
        b"\n".join(document.text for document in block).split(b"\n")
    )
    yield from tokenized_documents(
        block,
        token_ids=tokens.flat_values.numpy(),
        sentence_ends=tokens.row_limits().numpy(),
        vocab_size=vocab_size,
    )


def tokenized_documents(
    documents: Sequence[Document],
    *,
    token_ids: np.ndarray,
    sentence_ends: np.ndarray,
    vocab_size: int,
) -> Iterator[TokenizedDocument | BadDocument]:
    """Cuts the tokens of many documents, which one call made, into documents again.

    Args:
        documents: N documents with S sentences together.
        token_ids: [T] integers: the tokens of all their sentences, in order.
        sentence_ends: [S] integers: the index after the last token of each sentence.
        vocab_size: above 65,536 a token takes four bytes, else two.

    Yields:
        N elements in order: a document without its sentences that have no token, or a
        BadDocument (reason `no_tokens`) where none is left.
    """
    token_ids = token_ids.astype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)
    last_sentences = np.cumsum([document.text.count(b"\n") + 1 for document in documents])
    first_sentence = first_token = 0
    for document, last_sentence in zip(documents, last_sentences, strict=True):
        ends = sentence_ends[first_sentence:last_sentence].astype(np.int64) - first_token
        last_token = first_token + int(ends[-1])
        # A sentence of control characters has no tokens; pairs must not be made of it.
        ends = ends[np.diff(ends, prepend=0) > 0]
        if len(ends):
            yield TokenizedDocument(
                key=document.key(),
                token_ids=token_ids[first_token:last_token],
                sentence_ends=ends.astype(np.uint32),
            )
        else:
            yield BadDocument(
                path=document.path,
                offset=document.offset,
                num_bytes=document.num_bytes,
                reason="no_tokens",
                detail="none of its characters is in any token",
            )
        first_sentence, first_token = last_sentence, last_token
