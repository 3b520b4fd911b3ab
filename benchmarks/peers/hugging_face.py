"""Pretraining examples with Hugging Face's datasets and tokenizers, as a user would.

The work of google-research/bert's create_pretraining_data.py, with its defaults, in one
process: `datasets` reads a document a row, `tokenizers` makes their WordPieces, pairs
are made as in the original, among the documents of one call of `map`, and masks for all
pairs of a call at once in NumPy. The examples are padded and written to an Arrow file.
The order is left to training, which can read Arrow in any.

    pip install --no-deps --requirement benchmarks/peers/hugging_face.txt
    python -m benchmarks.peers.hugging_face text.txt vocab.txt folder

`counts.json` then tells how many examples and predictions there are. Dimensions: N
examples, L tokens of each, P predictions of each.
"""

import functools
import itertools
import json
import pathlib
import random
import sys
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

MAX_SEQ_LENGTH = 128
MAX_PREDICTIONS_PER_SEQ = 20
MASKED_LM_PROB = 0.15
SHORT_SEQ_PROB = 0.1
SEED = 12345
MAX_TOKENS = MAX_SEQ_LENGTH - 3  # [CLS] first [SEP] second [SEP]
Ids = list[int]
Pair = tuple[Ids, Ids, bool]  # first, second, whether the second one is random


def main() -> None:
    """Makes the examples of a text file."""
    # Here, so that tests of the rest can do without.
    import datasets
    from tokenizers import BertWordPieceTokenizer

    text, vocab_file, output = sys.argv[1:]
    tokenizer = BertWordPieceTokenizer(vocab_file, lowercase=True)
    documents = datasets.Dataset.from_text(
        text, sample_by="paragraph", cache_dir=f"{output}/cache"
    )
    examples = documents.map(
        functools.partial(
            make_examples,
            tokenizer=tokenizer._tokenizer,  # the class does not offer the fast call
            rng=random.Random(SEED),
            mask_rng=np.random.default_rng(SEED),
        ),
        batched=True,
        remove_columns=["text"],
        cache_file_name=str(pathlib.Path(output, "examples.arrow")),
    )
    weights = examples.data.column("masked_lm_weights").chunks
    counts = {
        "num_examples": len(examples),
        "num_predictions": int(
            sum(chunk.flatten().to_numpy().sum() for chunk in weights)
        ),
    }
    pathlib.Path(output, "counts.json").write_text(json.dumps(counts))


def make_examples(
    batch: Mapping[str, Sequence[str]],
    *,
    tokenizer,
    rng: random.Random,
    mask_rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """For `map`: from a `text` column of documents, a sentence a line, to features."""
    documents = tokenize(batch["text"], tokenizer)
    pairs = [
        pair
        for index in range(len(documents))
        for pair in pair_sentences(documents, index, rng)
    ]
    cls_id, sep_id, pad_id, mask_id = map(
        tokenizer.token_to_id, ("[CLS]", "[SEP]", "[PAD]", "[MASK]")
    )
    features = pad(pairs, cls_id=cls_id, sep_id=sep_id, pad_id=pad_id)
    return features | mask(
        features,
        special_ids=(cls_id, sep_id, pad_id),
        mask_id=mask_id,
        vocab_size=tokenizer.get_vocab_size(),
        rng=mask_rng,
    )


def tokenize(texts: Sequence[str], tokenizer) -> list[list[Ids]]:
    """The ids of each sentence of each document that has any, in one call."""
    sentences = [text.split("\n") for text in texts]
    encodings = iter(
        tokenizer.encode_batch_fast(
            list(itertools.chain.from_iterable(sentences)), add_special_tokens=False
        )
    )
    documents = (
        [ids for _ in document if (ids := next(encodings).ids)] for document in sentences
    )
    return [document for document in documents if document]


def pair_sentences(
    documents: Sequence[Sequence[Ids]], index: int, rng: random.Random
) -> Iterator[Pair]:
    """The pairs of one document, as `create_instances_from_document` makes them."""
    document = documents[index]
    target = MAX_TOKENS
    if rng.random() < SHORT_SEQ_PROB:
        target = rng.randint(2, MAX_TOKENS)
    start = 0
    while start < len(document):
        stop = fill(document, start, target)
        num_first = rng.randint(1, stop - start - 1) if stop - start > 1 else 1
        first = join(document[start : start + num_first])
        is_random = stop - start == 1 or rng.random() < 0.5
        if is_random:
            other = documents[draw_other(len(documents), index, rng)]
            begin = rng.randrange(len(other))
            second = join(other[begin : fill(other, begin, target - len(first))])
            start += num_first
        else:
            second = join(document[start + num_first : stop])
            start = stop
        truncate(first, second, rng)
        yield first, second, is_random


def fill(document: Sequence[Ids], start: int, target: int) -> int:
    """The index after the sentence that brings a chunk to `target` tokens."""
    num_tokens = 0
    for stop in range(start, len(document)):
        num_tokens += len(document[stop])
        if num_tokens >= target:
            return stop + 1
    return len(document)


def join(sentences: Sequence[Ids]) -> Ids:
    """The tokens of sentences, one after the other."""
    return list(itertools.chain.from_iterable(sentences))


def draw_other(num_documents: int, index: int, rng: random.Random) -> int:
    """A random document; another one than `index` unless ten draws give none."""
    for _ in range(10):
        other = rng.randrange(num_documents)
        if other != index:
            break
    return other


def truncate(first: Ids, second: Ids, rng: random.Random) -> None:
    """Takes tokens from random ends of the longer segment until both fit."""
    while len(first) + len(second) > MAX_TOKENS:
        longer = first if len(first) > len(second) else second
        if rng.random() < 0.5:
            del longer[0]
        else:
            longer.pop()


def pad(
    pairs: Sequence[Pair], *, cls_id: int, sep_id: int, pad_id: int
) -> dict[str, np.ndarray]:
    """The features of pairs that do not depend on masks, each of L tokens."""
    input_ids_NL = np.full((len(pairs), MAX_SEQ_LENGTH), pad_id, np.int32)
    attention_mask_NL = np.zeros(input_ids_NL.shape, np.int8)
    token_type_ids_NL = np.zeros(input_ids_NL.shape, np.int8)
    for row, (first, second, _) in enumerate(pairs):
        ids = [cls_id, *first, sep_id, *second, sep_id]
        input_ids_NL[row, : len(ids)] = ids
        attention_mask_NL[row, : len(ids)] = 1
        token_type_ids_NL[row, len(first) + 2 : len(ids)] = 1
    return {
        "input_ids": input_ids_NL,
        "attention_mask": attention_mask_NL,
        "token_type_ids": token_type_ids_NL,
        "next_sentence_label": np.array([is_random for *_, is_random in pairs], np.int8),
    }


def mask(
    features: Mapping[str, np.ndarray],
    *,
    special_ids: Sequence[int],
    mask_id: int,
    vocab_size: int,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Hides 15 % of each example: 80 % behind [MASK], 10 % random, 10 % left.

    Returns:
        `input_ids` after it, and positions, ids and weights of the predictions [N, P].
    """
    input_ids_NL = features["input_ids"]
    num_tokens_N = features["attention_mask"].sum(axis=1)
    num_predictions_N = np.clip(
        np.rint(num_tokens_N * MASKED_LM_PROB), 1, MAX_PREDICTIONS_PER_SEQ
    )
    # The lowest of random scores are predicted, and special tokens have none.
    scores_NL = np.where(
        np.isin(input_ids_NL, special_ids), 2, rng.random(input_ids_NL.shape, np.float32)
    )
    chosen_NP = np.argsort(scores_NL, axis=1)[:, :MAX_PREDICTIONS_PER_SEQ]
    is_used_NP = np.arange(MAX_PREDICTIONS_PER_SEQ) < num_predictions_N[:, np.newaxis]
    unused = MAX_SEQ_LENGTH  # sorts after all positions
    positions_NP = np.sort(np.where(is_used_NP, chosen_NP, unused), axis=1)
    positions_NP[~is_used_NP] = 0
    labels_NP = np.take_along_axis(input_ids_NL, positions_NP, axis=1) * is_used_NP
    draws_NP = rng.random(labels_NP.shape)
    random_NP = rng.integers(vocab_size, size=labels_NP.shape, dtype=np.int32)
    hidden_NP = np.select(
        [draws_NP < 0.8, draws_NP < 0.9], [mask_id, labels_NP], random_NP
    )
    masked_NL = input_ids_NL.copy()
    rows, columns = np.nonzero(is_used_NP)
    masked_NL[rows, positions_NP[rows, columns]] = hidden_NP[rows, columns]
    return {
        "input_ids": masked_NL,
        "masked_lm_positions": positions_NP.astype(np.int32),
        "masked_lm_ids": labels_NP,
        "masked_lm_weights": is_used_NP.astype(np.float32),
    }


if __name__ == "__main__":
    main()
