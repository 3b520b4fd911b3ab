"""The job of create_pretraining_data as Beam sees it: what decides it, and its steps."""

import dataclasses

import apache_beam as beam
from apache_beam.pvalue import AsDict, AsList, AsSingleton, DoOutputsTuple

from bert_tf.data import vocab
from pipelines import sinks, sources, transforms
from pipelines.transforms import DataSet


@dataclasses.dataclass(frozen=True)
class PretrainingJob:
    """All that decides what is written.

    The configurations of the data sets may differ in the lengths of examples only.
    """

    data_sets: tuple[DataSet, ...]
    vocabulary: vocab.Vocabulary
    files: tuple[sources.InputFile, ...]
    num_train_buckets: int | None  # None: by the number of tokens
    max_bad_documents: int


@dataclasses.dataclass(frozen=True)
class Folders:
    """What the workers share on a local disk, if they do."""

    spill_dir: str | None  # for documents on their way to a bucket; None: Beam has them
    progress_dir: str | None


def build(pipeline: beam.Pipeline, job: PretrainingJob, folders: Folders) -> None:
    """Adds the job's steps to a pipeline.

    Args:
        pipeline: of Beam.
        job: what to do.
        folders: what the workers share.
    """
    read = _read_documents(pipeline, job, folders)
    planned = _plan_buckets(pipeline, read, job, folders)
    make_shards = _shards_through_files if folders.spill_dir else _shards_through_engine
    made = make_shards(read.documents, planned, job, folders)
    _finish_data_sets(pipeline, made, read[transforms.BAD_DOCUMENTS], job)


def _read_documents(
    pipeline: beam.Pipeline, job: PretrainingJob, folders: Folders
) -> DoOutputsTuple:
    """The text, tokenized: `documents`, and what TokenizeText tells of them."""
    config = job.data_sets[0].config
    tokenize_text = transforms.TokenizeText(
        config,
        job.vocabulary,
        spill_dir=folders.spill_dir,
        progress_dir=folders.progress_dir,
        max_bad_documents=job.max_bad_documents,
    )
    return (
        pipeline
        | "Ranges" >> beam.Create(sources.work_units(job.files, config.input_format))
        | "SpreadRanges" >> beam.Reshuffle()
        | "TokenizeText"
        >> beam.ParDo(tokenize_text).with_outputs(
            transforms.BAD_DOCUMENTS, transforms.NUM_TOKENS, main="documents"
        )
    )


def _plan_buckets(
    pipeline: beam.Pipeline, read: DoOutputsTuple, job: PretrainingJob, folders: Folders
) -> beam.PCollection:
    """The Buckets; none if too many documents are bad."""
    num_tokens = read[transforms.NUM_TOKENS] | "SumTokens" >> beam.CombinePerKey(sum)
    num_bad_documents = (
        read[transforms.BAD_DOCUMENTS]
        | "CountBadDocuments" >> beam.combiners.Count.Globally()
    )
    plan_buckets = transforms.PlanBuckets(
        job.data_sets[0].config,
        num_train_buckets=job.num_train_buckets,
        max_bad_documents=job.max_bad_documents,
        progress_dir=folders.progress_dir,
    )
    return (
        pipeline
        | "Once" >> beam.Create([None])
        | "PlanBuckets"
        >> beam.ParDo(plan_buckets, AsDict(num_tokens), AsSingleton(num_bad_documents))
    )


def _shards_through_files(
    paths: beam.PCollection,
    planned: beam.PCollection,
    job: PretrainingJob,
    folders: Folders,
) -> DoOutputsTuple:
    """`shards` and statistics; a worker fetches a bucket's documents from all files."""
    make_shards = transforms.MakeShardsFromFiles(
        job.data_sets, job.vocabulary, progress_dir=folders.progress_dir
    )
    return (
        planned
        | "SpreadBuckets" >> beam.Reshuffle()
        | "MakeShards"
        >> beam.ParDo(make_shards, AsList(paths)).with_outputs(
            transforms.STATISTICS, main="shards"
        )
    )


def _shards_through_engine(
    documents: beam.PCollection,
    planned: beam.PCollection,
    job: PretrainingJob,
    folders: Folders,
) -> DoOutputsTuple:
    """`shards` and statistics; Beam brings a bucket's documents to a worker."""
    split_by_bucket = transforms.SplitByBucket(job.data_sets[0].config.held_out_fraction)
    parts = documents | "SplitByBucket" >> beam.ParDo(
        split_by_bucket, AsList(planned)
    ).with_output_types(tuple[tuple[str, int, int], bytes])
    # A bucket that no document belongs to has a shard too.
    empty = planned | "EmptyParts" >> beam.Map(
        transforms.empty_part, vocab_size=len(job.vocabulary)
    ).with_output_types(tuple[tuple[str, int, int], bytes])
    make_shards = transforms.MakeShards(
        job.data_sets, job.vocabulary, progress_dir=folders.progress_dir
    )
    return (
        (parts, empty)
        | "Parts" >> beam.Flatten()
        | "GroupByBucket" >> beam.GroupByKey()
        | "MakeShards"
        >> beam.ParDo(make_shards).with_outputs(transforms.STATISTICS, main="shards")
    )


def _finish_data_sets(
    pipeline: beam.Pipeline,
    made: DoOutputsTuple,
    bad_documents: beam.PCollection,
    job: PretrainingJob,
) -> None:
    """Writes what stands beside the shards of each data set, once all are there."""
    statistics = made[transforms.STATISTICS] | "SumStatistics" >> beam.CombinePerKey(
        transforms.sum_statistics
    )
    for number, data_set in enumerate(job.data_sets):
        finish = sinks.FinishDataset(
            data_set.output,
            config=data_set.config,
            vocabulary=job.vocabulary,
            inputs=sources.summarize_inputs(job.files),
            number=number,
        )
        _ = (
            pipeline
            | f"Once{number}" >> beam.Create([None])
            | f"FinishDataset{number}"
            >> beam.ParDo(
                finish, AsList(made.shards), AsDict(statistics), AsList(bad_documents)
            )
        )
