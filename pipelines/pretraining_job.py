"""The job of create_pretraining_data: what it checks, its graph, what it tells."""

import dataclasses
import time
from collections.abc import Sequence

import apache_beam as beam
from absl import logging
from apache_beam.options.pipeline_options import PipelineOptions

from bert_tf.config import PretrainingDataConfig
from bert_tf.data import examples, manifest, vocab
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from pipelines import progress, sinks, sources, transforms

# Where documents are long, half of the next sentences are random ones.
_MANY_RANDOM_NEXT = 0.6
_MANY_UNKNOWN = 0.05  # of the tokens


@dataclasses.dataclass(frozen=True)
class PretrainingJob:
    """All that decides what is written."""

    config: PretrainingDataConfig
    vocabulary: vocab.Vocabulary
    files: tuple[sources.InputFile, ...]
    partitions: dict[str, transforms.Partition]  # for each split
    output: str  # a folder
    max_bad_documents: int


def create(
    config: PretrainingDataConfig,
    patterns: Sequence[str],
    *,
    output: str,
    vocab_file: str,
    num_train_shards: int | None,
    max_bad_documents: int,
    overwrite: bool,
    options: PipelineOptions,
) -> None:
    """Creates a data set, unless `output` already holds just this one.

    Args:
        config: what the examples are made of.
        patterns: paths or globs of text files.
        output: a folder; it is made if it is missing.
        vocab_file: a WordPiece vocabulary.
        num_train_shards: how many files to train on; None: by their size.
        max_bad_documents: how many documents may be unusable.
        overwrite: whether a complete data set in `output` is replaced.
        options: of Beam.

    Raises:
        UserError: there is no text, no document in it, or too many bad ones; the
            vocabulary cannot be read; `output` cannot be written, or holds another data
            set. Then nothing is written but, for bad documents, `dead_letter.jsonl`.
    """
    start = time.monotonic()
    output = sources.absolute_path(output)
    files = sources.find_inputs(patterns)
    text_bytes = sources.estimate_text_bytes(files)
    job = PretrainingJob(
        config=config,
        vocabulary=vocab.load_vocabulary(vocab_file),
        files=tuple(files),
        partitions=transforms.plan_partitions(
            config, text_bytes=text_bytes, num_train_shards=num_train_shards
        ),
        output=output,
        max_bad_documents=max_bad_documents,
    )
    if sinks.has_manifest(output) and not overwrite:
        _check_same(job, manifest.load_manifest(output))
        logging.info("%s is already complete: same text, vocabulary and flags.", output)
        return
    if not overwrite:
        sinks.check_unclaimed(output, job.vocabulary.digest)
    # Fails here, and not in a worker, if TF Text cannot use the vocabulary.
    BertTokenizer(job.vocabulary, lower_case=config.do_lower_case)
    expected = {
        progress.READ_CHARACTERS: text_bytes,
        progress.BUCKET_PASSES: sum(
            partition.num_buckets * transforms.num_passes(split, config)
            for split, partition in job.partitions.items()
        ),
        progress.WRITTEN_SHARDS: sum(
            partition.num_shards for partition in job.partitions.values()
        ),
    }
    logging.info(
        "Reading %d files, %.1f MB of text%s, for %d buckets and %d shards in %s.",
        len(files),
        text_bytes / 1e6,
        "" if text_bytes == sum(file.num_bytes for file in files) else " (estimated)",
        sum(partition.num_buckets for partition in job.partitions.values()),
        expected[progress.WRITTEN_SHARDS],
        output,
    )
    with sinks.prepared_output(output) as progress_dir:
        with progress.logged(progress_dir, expected):
            pipeline = beam.Pipeline(options=options)
            build(pipeline, job, progress_dir=progress_dir)
            pipeline.run().wait_until_finish()
        _check_finished(job)
    _log_result(manifest.load_manifest(output), time.monotonic() - start)


def build(
    pipeline: beam.Pipeline, job: PretrainingJob, *, progress_dir: str | None
) -> None:
    """Adds the job's steps to a pipeline.

    Args:
        pipeline: of Beam.
        job: what to do.
        progress_dir: where the workers report, see `pipelines.progress`.
    """
    blocks = (
        pipeline
        | "Ranges" >> beam.Create([part for file in job.files for part in file.ranges()])
        | "SpreadRanges" >> beam.Reshuffle()
        | "ReadBlocks"
        >> beam.ParDo(
            sources.ReadBlocks(
                input_format=job.config.input_format, progress_dir=progress_dir
            )
        ).with_outputs(sources.BAD_DOCUMENTS, main="blocks")
    )
    tokenized = blocks.blocks | "TokenizeBlocks" >> beam.ParDo(
        transforms.TokenizeBlocks(job.config, job.vocabulary, partitions=job.partitions)
    ).with_output_types(tuple[str, bytes]).with_outputs(
        sources.BAD_DOCUMENTS, main="payloads"
    )
    bad_documents = (
        blocks[sources.BAD_DOCUMENTS],
        tokenized[sources.BAD_DOCUMENTS],
    ) | "BadDocuments" >> beam.Flatten()
    num_bad_documents = beam.pvalue.AsSingleton(
        bad_documents | "CountBadDocuments" >> beam.combiners.Count.Globally()
    )
    made = (
        tokenized.payloads
        | "GroupByBucket" >> beam.GroupByKey()
        | "MakeExamples"
        >> beam.ParDo(
            transforms.MakeExamples(
                job.config,
                job.vocabulary,
                partitions=job.partitions,
                max_bad_documents=job.max_bad_documents,
                progress_dir=progress_dir,
            ),
            num_bad_documents,
        )
        .with_output_types(tuple[str, bytes])
        .with_outputs(transforms.STATISTICS, main="blobs")
    )
    # Without these, a shard that no example belongs to would be missing.
    empty_blobs = pipeline | "EmptyBlobs" >> beam.Create(
        [
            (name, b"")
            for split, partition in job.partitions.items()
            for name in partition.shard_names(split)
        ]
    )
    shards = (
        (made.blobs, empty_blobs)
        | "Blobs" >> beam.Flatten()
        | "GroupByShard" >> beam.GroupByKey()
        | "WriteShards"
        >> beam.ParDo(
            sinks.WriteShards(
                job.output,
                max_bad_documents=job.max_bad_documents,
                progress_dir=progress_dir,
            ),
            num_bad_documents,
        )
    )
    statistics = made[transforms.STATISTICS] | "MergeStatistics" >> beam.CombinePerKey(
        examples.merge_statistics
    )
    _ = (
        pipeline
        | "Once" >> beam.Create([None])
        | "FinishDataset"
        >> beam.ParDo(
            sinks.FinishDataset(
                job.output,
                config=job.config,
                vocabulary=job.vocabulary,
                inputs=sources.summarize_inputs(job.files),
                partitions=job.partitions,
                max_bad_documents=job.max_bad_documents,
            ),
            beam.pvalue.AsList(shards),
            beam.pvalue.AsDict(statistics),
            beam.pvalue.AsList(bad_documents),
        )
    )


def _check_same(job: PretrainingJob, found: manifest.Manifest) -> None:
    """Raises UserError unless a complete data set is what the job would write."""
    differences = [
        name
        for name, wanted, present in (
            ("input", sources.summarize_inputs(job.files), found.inputs),
            ("vocab_file", job.vocabulary.digest, found.vocab_digest),
            (
                "num_shards",
                [partition.num_shards for partition in job.partitions.values()],
                [len(split.shards) for split in found.splits.values()],
            ),
        )
        if wanted != present
    ] + [
        field.name
        for field in dataclasses.fields(job.config)
        if getattr(job.config, field.name) != getattr(found.config, field.name)
    ]
    if differences:
        raise UserError(
            f"--output: expected a folder without a data set, received {job.output!r} "
            f"with one that differs in {', '.join(differences)}; choose another folder "
            "or add --overwrite."
        )


def _check_finished(job: PretrainingJob) -> None:
    """Raises UserError if the job has refused its input or wrote it elsewhere."""
    if sinks.has_manifest(job.output):
        return
    num_bad_documents = sinks.count_bad_documents(job.output)
    if num_bad_documents > job.max_bad_documents:
        raise UserError(
            f"--input: expected at most {job.max_bad_documents} documents that cannot be "
            f"used, received {num_bad_documents}, listed in {job.output}/"
            f"{sinks.DEAD_LETTER_NAME}; repair them or raise --max_bad_documents."
        )
    if not sinks.has_shards(job.output):
        raise UserError(
            "--output: expected a folder that the workers share with this program, "
            f"received {job.output!r}, in which nothing of theirs has arrived; name one "
            "on a shared file system or in an object store."
        )
    raise UserError(
        f"--input: expected documents with several sentences to train on, received "
        f"{len(job.files)} files that give no example and {num_bad_documents} documents "
        "that cannot be used; give more text or lower --held_out_fraction."
    )


def _log_result(finished: manifest.Manifest, seconds: float) -> None:
    for name, split in finished.splits.items():
        counts = split.counts
        logging.info(
            "%s: %d examples in %d shards, from %d documents and %d sentences "
            "(%d repeated documents dropped); random next: %s.",
            name,
            counts["examples"],
            len(split.shards),
            counts["documents"],
            counts["sentences"],
            counts["duplicate_documents"],
            "-" if split.random_next_share is None else f"{split.random_next_share:.1%}",
        )
    num_bad_documents = sum(finished.bad_documents.values())
    if num_bad_documents:
        logging.warning(
            "%d documents could not be used, see %s/%s.",
            num_bad_documents,
            finished.data_dir,
            sinks.DEAD_LETTER_NAME,
        )
    for name, split in finished.splits.items():
        if split.shards and not split.counts["examples"]:
            logging.warning(
                "No %s examples: too few documents. Add text or change "
                "--held_out_fraction.",
                name,
            )
    counts = finished.splits[transforms.TRAIN].counts
    unknown_share = counts["unknown_tokens"] / max(counts["tokens"], 1)
    if unknown_share > _MANY_UNKNOWN:
        logging.warning(
            "%.0f%% of the tokens are [UNK]: vocabulary and text do not go together, or "
            "--do_lower_case is wrong.",
            100 * unknown_share,
        )
    random_next_share = finished.splits[transforms.TRAIN].random_next_share
    if random_next_share and random_next_share > _MANY_RANDOM_NEXT:
        logging.warning(
            "%.0f%% of the next sentences are random ones, not half: the documents are "
            "short for --max_seq_length=%d.",
            100 * random_next_share,
            finished.config.max_seq_length,
        )
    logging.info("Wrote %s in %.1f seconds.", finished.data_dir, seconds)
