"""Does the job of create_pretraining_data: what it checks, runs and tells."""

import contextlib
import dataclasses
import time

import apache_beam as beam
from absl import logging
from apache_beam.options.pipeline_options import (
    GoogleCloudOptions,
    PipelineOptions,
    StandardOptions,
)

from bert_tf.data import manifest
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from pipelines import (
    beam_options,
    buckets,
    pretraining_graph,
    progress,
    report,
    running,
    sinks,
    sources,
)
from pipelines.pretraining_graph import Folders, PretrainingJob
from pipelines.transforms import DataSet


def create(
    job: PretrainingJob, *, shuffle: str | None, overwrite: bool, options: PipelineOptions
) -> None:
    """Creates the data sets, unless their folders already hold just these.

    Where the options tell Beam not to wait, or only to stage a template of the job, it
    returns before the data sets are complete.

    Args:
        job: what to do.
        shuffle: how documents get to their buckets: by `files` in the output's folder,
            which all workers must share, or by Beam's `engine`; None: by files with a
            local runner and a local output.
        overwrite: whether complete data sets are replaced.
        options: of Beam.

    Raises:
        UserError: there is no text, no document in it, or too many bad ones; an output
            cannot be written, or holds another data set; the runner lacks an option or
            cannot reach a path. Then nothing is written but, for bad documents,
            `dead_letter.jsonl`.
    """
    start = time.monotonic()
    pipeline = _new_pipeline(options)
    _check_reachable(job, options)
    if not overwrite and _are_complete(job):
        return
    use_files = _use_files(shuffle, job, options)
    # Fails here, and not in a worker, if TF Text cannot use the vocabulary.
    BertTokenizer(job.vocabulary, lower_case=job.data_sets[0].config.do_lower_case)
    text_bytes = sources.estimate_text_bytes(job.files)
    logging.info(
        "Reading %d files, %.1f MB of text%s, for %s.",
        len(job.files),
        text_bytes / 1e6,
        "" if text_bytes == sum(file.num_bytes for file in job.files) else " (estimated)",
        ", ".join(data_set.output for data_set in job.data_sets),
    )
    if not _is_waited_for(options):
        for data_set in job.data_sets:
            sinks.empty_output(data_set.output)
        pretraining_graph.build(pipeline, job, Folders(spill_dir=None, progress_dir=None))
        pipeline.run()
        logging.info(
            "The job is handed over. A data set is complete when it has its %s.",
            manifest.MANIFEST_NAME,
        )
        return
    with contextlib.ExitStack() as outputs:
        unfinished = [
            outputs.enter_context(sinks.prepared_output(data_set.output))
            for data_set in job.data_sets
        ]
        folders = Folders(
            spill_dir=unfinished[0] if use_files else None, progress_dir=unfinished[0]
        )
        with progress.logged(folders.progress_dir, text_bytes):
            pretraining_graph.build(pipeline, job, folders)
            running.run(pipeline)
        for data_set in job.data_sets:
            _check_finished(job, data_set)
    for data_set in job.data_sets:
        _log_result(sinks.load_manifest(data_set.output))
    logging.info("Finished in %.1f seconds.", time.monotonic() - start)


def _new_pipeline(options: PipelineOptions) -> beam.Pipeline:
    try:
        return beam.Pipeline(options=options)
    except ValueError as error:
        message = " ".join(str(error).split())
        raise UserError(
            f"Expected what --runner={options.view_as(StandardOptions).runner} needs, "
            f"received flags that do not do: {message} Correct them."
        ) from error


def _is_waited_for(options: PipelineOptions) -> bool:
    """Whether the job has run when Beam returns."""
    return not (
        options.view_as(StandardOptions).no_wait_until_finish
        # What launches a Dataflow flex template asks for the staged job, and runs it.
        or options.view_as(GoogleCloudOptions).template_location
    )


def _check_reachable(job: PretrainingJob, options: PipelineOptions) -> None:
    """Raises UserError for a path on this machine if the workers are on others."""
    if "dataflow" not in options.view_as(StandardOptions).runner.lower():
        return
    paths = [("output", data_set.output) for data_set in job.data_sets]
    for flag, path in paths + [("input", file.path) for file in job.files]:
        if "://" not in path:
            raise UserError(
                f"--{flag}: expected a path that Dataflow's workers can reach, as "
                f"gs://bucket/name, received {path!r}; use an object store."
            )


def _use_files(
    shuffle: str | None, job: PretrainingJob, options: PipelineOptions
) -> bool:
    is_local = all("://" not in data_set.output for data_set in job.data_sets)
    is_waited_for = _is_waited_for(options)
    runner = options.view_as(StandardOptions).runner
    if shuffle is None:
        return is_local and is_waited_for and runner in beam_options.LOCAL_RUNNERS
    if shuffle == "files" and not is_local:
        raise UserError(
            "--shuffle=files: expected an --output on a disk that all workers share, "
            f"received {job.data_sets[0].output!r}; use --shuffle=engine."
        )
    if shuffle == "files" and not is_waited_for:
        raise UserError(
            "--shuffle=files: expected to wait for the job and remove its files, "
            "received --no_wait_until_finish or --template_location; use "
            "--shuffle=engine."
        )
    return shuffle == "files"


def _are_complete(job: PretrainingJob) -> bool:
    """Whether nothing is left to do; raises UserError where something is in the way."""
    complete = [sinks.has_manifest(data_set.output) for data_set in job.data_sets]
    for data_set, is_complete in zip(job.data_sets, complete, strict=True):
        if is_complete:
            _check_same(job, data_set, sinks.load_manifest(data_set.output))
            logging.info(
                "%s is already complete: same text, vocabulary and flags.",
                data_set.output,
            )
        else:
            sinks.check_unclaimed(data_set.output, job.vocabulary.digest)
    return all(complete)


def _check_same(job: PretrainingJob, data_set: DataSet, found: manifest.Manifest) -> None:
    """Raises UserError unless a complete data set is what the job would write."""
    num_buckets = found.splits[buckets.TRAIN].num_buckets
    differences = [
        name
        for name, wanted, present in (
            ("input", sources.summarize_inputs(job.files), found.inputs),
            ("vocab_file", job.vocabulary.digest, found.vocab_digest),
            ("num_buckets", job.num_train_buckets or num_buckets, num_buckets),
        )
        if wanted != present
    ] + [
        field.name
        for field in dataclasses.fields(data_set.config)
        if getattr(data_set.config, field.name) != getattr(found.config, field.name)
    ]
    if differences:
        raise UserError(
            "--output: expected a folder without a data set, received "
            f"{data_set.output!r} with one that differs in {', '.join(differences)}; "
            "choose another folder or add --overwrite."
        )


def _check_finished(job: PretrainingJob, data_set: DataSet) -> None:
    """Raises UserError if the job has refused its input or wrote it elsewhere."""
    if sinks.has_manifest(data_set.output):
        return
    num_bad_documents = sinks.count_bad_documents(data_set.output)
    if num_bad_documents > job.max_bad_documents:
        raise UserError(
            f"--input: expected at most {job.max_bad_documents} documents that cannot be "
            f"used, received {num_bad_documents}, listed in {data_set.output}/"
            f"{sinks.DEAD_LETTER_NAME}; repair them or raise --max_bad_documents."
        )
    if not sinks.has_shards(data_set.output):
        raise UserError(
            "--output: expected a folder that the workers share with this program, "
            f"received {data_set.output!r}, in which nothing of theirs has arrived; name "
            "one on a shared file system or in an object store."
        )
    raise UserError(
        f"--input: expected documents with several sentences to train on, received "
        f"{len(job.files)} files that give no example and {num_bad_documents} documents "
        "that cannot be used; give more text or lower --held_out_fraction."
    )


def _log_result(finished: manifest.Manifest) -> None:
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
    for warning in report.warnings(finished):
        logging.warning("%s", warning)
    logging.info("Wrote %s; look at %s there.", finished.data_dir, report.REPORT_NAME)
