"""What a job would make of its text, and in what time: told from a sample."""

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from bert_tf.data import tokenized
from bert_tf.data.documents import BadDocument, Document
from bert_tf.data.examples import ExampleMaker
from bert_tf.errors import UserError
from pipelines import buckets, sources
from pipelines.pretraining_graph import PretrainingJob
from pipelines.transforms import DataSet

_NUM_PLACES = 8  # evenly spread over the input
_DOCUMENT_BYTES_PER_PLACE = 1 << 20
# A token takes two bytes there, and a sentence eight more.
_SPILLED_BYTES_PER_TOKEN = 2.5


def describe(job: PretrainingJob, *, num_workers: int) -> Iterator[str]:
    """Reads, tokenizes and pairs a sample of the text, and writes nothing.

    Args:
        job: what would be done.
        num_workers: processes that would share the work.

    Yields:
        Lines for a person.

    Raises:
        UserError: there is no document in the sample.
    """
    config = job.data_sets[0].config
    tokenizer = tokenized.DocumentTokenizer(
        job.vocabulary, lower_case=config.do_lower_case
    )
    found, reading_seconds = _timed(list, _sample(job))
    documents = [each for each in found if isinstance(each, Document)]
    if not documents:
        raise UserError(
            f"--input: expected documents, received {len(job.files)} files without one "
            f"in the sample and {len(found)} that cannot be used; check the format."
        )
    tokenizer.tokenize(documents[:1])  # what takes its time only once
    (tokens, _), tokenizing_seconds = _timed(tokenizer.tokenize, documents)
    core_seconds = reading_seconds + tokenizing_seconds

    sample_bytes = sum(each.num_bytes for each in found)
    text_bytes = sources.estimate_text_bytes(job.files)
    scale = text_bytes / sample_bytes
    num_tokens = scale * len(tokens.token_ids)
    yield (
        f"{text_bytes / 1e6:,.0f} MB of text, of which {sample_bytes / 1e6:.1f} MB were "
        f"read for this: about {scale * tokens.num_documents:,.0f} documents and "
        f"{num_tokens:,.0f} tokens, {(len(found) - len(documents)) / len(found):.1%} of "
        "the documents cannot be used."
    )
    for data_set in job.data_sets:
        num_examples, num_bytes, seconds = _one_pass(data_set, tokens, job)
        num_passes = buckets.num_passes(buckets.TRAIN, data_set.config)
        core_seconds += num_passes * seconds
        yield (
            f"{data_set.output}: about {scale * num_passes * num_examples:,.0f} examples "
            f"in {scale * num_passes * num_bytes / 1e6:,.0f} MB."
        )
    seconds = scale * core_seconds
    yield (
        f"About {_duration(seconds / num_workers)} with {num_workers} workers like a "
        "core of this machine, the start apart, and meanwhile "
        f"{_SPILLED_BYTES_PER_TOKEN * num_tokens / 1e6:,.0f} MB more of disk."
    )


def _sample(job: PretrainingJob) -> Iterator[Document | BadDocument]:
    """Documents from the beginnings of evenly spread parts of the input."""
    config = job.data_sets[0].config
    units = sources.work_units(job.files, config.input_format)
    ranges = list(itertools.chain.from_iterable(units))
    step = max(1, len(ranges) // _NUM_PLACES)
    for byte_range in ranges[::step][:_NUM_PLACES]:
        num_bytes = 0
        for document in sources.read_range(
            byte_range,
            input_format=config.input_format,
            text_field=config.text_field,
            language=config.language,
        ):
            yield document
            num_bytes += document.num_bytes
            if num_bytes >= _DOCUMENT_BYTES_PER_PLACE:
                break


def _one_pass(
    data_set: DataSet, tokens: tokenized.TokenizedDocuments, job: PretrainingJob
) -> tuple[int, int, float]:
    """The examples of the sample in one pass, their bytes, and seconds of a core."""
    maker = ExampleMaker(data_set.config, job.vocabulary)
    documents = maker.distinct(tokens)
    maker.make_shard(documents.slice(0, 1), dupe=0, is_held_out=False)  # compiles
    (parts, statistics), seconds = _timed(
        maker.make_shard, documents, dupe=0, is_held_out=False
    )
    return statistics.counts["examples"], sum(map(len, parts)), seconds


def _timed(function: Callable, *args, **kwargs) -> tuple[Any, float]:
    """What a function returns, and in how many seconds of a core."""
    start = time.process_time()
    result = function(*args, **kwargs)
    return result, time.process_time() - start


def _duration(seconds: float) -> str:
    for unit, size in (("hours", 3600), ("minutes", 60)):
        if seconds >= size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds:.0f} seconds"
