"""Fine-tunes, one program at a time, and keeps what came of it.

<task>/train, eval                  lines of a file that has to be split or sampled
<task>/examples/                    see examples.py
<task>/encoder-<seed>/              where a system begins with random weights
<task>/<system>-<seed>-<digest>/    result.json, job.json and the program's log

The digest is of all settings: what was done with other ones is not taken for it.
"""

import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

from absl import logging

from benchmarks import usage
from benchmarks.tasks import examples, random_bert, splits
from benchmarks.tasks.catalogue import CONTESTS
from benchmarks.tasks.contestants import CONTESTANTS
from benchmarks.tasks.job import Figures, Job, Outcome
from benchmarks.tasks.report import Result
from bert_tf.config import BertConfig, FinetuneConfig, to_json
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.errors import UserError
from bert_tf.files import write_atomically
from bert_tf.modeling.checkpoints.formats import read_pretrained
from bert_tf.tasks.registry import task_class
from bert_tf.tasks.task import Example

NUM_CORES = 2


class Bench:
    """A folder in which nothing is done again that is there.

    Args:
        folder: all is written there.
        data: the folder of the tasks' files.
        encoder: the folder of the pretrained BERT.
        environments: the folder of the peers' virtual environments.
        dtype_policy: of BertConfig.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        data: pathlib.Path,
        encoder: str,
        environments: pathlib.Path,
        dtype_policy: str,
    ):
        self._folder = folder
        self._data = data
        self._encoder = encoder
        self._environments = environments
        self._dtype_policy = dtype_policy
        self._cores = sorted(os.sched_getaffinity(0))[-NUM_CORES:]
        self._configs: dict[str, FinetuneConfig] = {}

    def run(self, key: str, system: str, seed: int) -> Result:
        """What a system reaches at a task, or has reached before.

        Args:
            key: of CONTESTS.
            system: of CONTESTANTS.
            seed: of all that is random.
        """
        result = Result(key, system, seed, load_average=os.getloadavg()[0])
        try:
            job = self._job(key, system, seed)
            path = pathlib.Path(job.output, "result.json")
            if path.exists():
                return Result(**json.loads(path.read_text()))
            command = CONTESTANTS[system].command(job, self._environments)
            figures, seconds = self._figures(job, command)
        except (UserError, _Failure) as failure:
            return dataclasses.replace(result, failure=str(failure))
        result = dataclasses.replace(result, figures=figures, seconds=seconds)
        write_atomically(path, json.dumps(dataclasses.asdict(result)).encode())
        return result

    def _job(self, key: str, system: str, seed: int) -> Job:
        if key not in self._configs:
            self._configs[key] = self._prepare(key)
        config = self._configs[key]
        init_checkpoint = self._encoder
        if CONTESTS[key].random_encoder:
            init_checkpoint = self._random_encoder(key, config.train_file, seed)
        config = dataclasses.replace(config, init_checkpoint=init_checkpoint, seed=seed)
        digest = hashlib.sha256(to_json(config).encode()).hexdigest()[:8]
        return Job(
            config=config,
            examples=str(self._folder / key / "examples"),
            output=str(self._folder / key / f"{system}-{seed}-{digest}"),
        )

    def _prepare(self, key: str) -> FinetuneConfig:
        """Makes files ready; returns all settings but those that the seed decides."""
        contest = CONTESTS[key]
        files = splits.make_files(contest, self._data, self._folder / key)
        task = task_class(contest.task.name)
        found = {split: task.read_labelled(path, {}) for split, path in files.items()}
        folder = self._folder / key / "examples"
        folder.mkdir(parents=True, exist_ok=True)
        for split, of_split in found.items():
            path = folder / f"{split}.jsonl"
            examples.write(of_split, path, task=contest.task.name)
        labels = task.labels_of(found["train"]) if task.has_labels else ()
        return FinetuneConfig(
            task=dataclasses.replace(contest.task, labels=labels),
            model=BertConfig(dtype_policy=self._dtype_policy),
            train_file=files["train"],
            eval_file=files["eval"],
            learning_rate=contest.learning_rate,
            num_epochs=contest.num_epochs,
        )

    def _random_encoder(self, key: str, train_file: str, seed: int) -> str:
        """The folder of a BERT that knows the words of a file from text to text."""
        contest = CONTESTS[key]
        folder = self._folder / key / f"encoder-{seed}"
        if not folder.exists():
            train = task_class(contest.task.name).read_labelled(train_file, {})
            texts = [
                text for each in train for text in (each.inputs["text"], each.target)
            ]
            random_bert.write(folder, texts, contest.random_encoder, seed=seed)
        return str(folder)

    def _figures(self, job: Job, command: list[str]) -> tuple[list[Figures], float]:
        """Of each epoch, and the seconds that the program has taken."""
        output = pathlib.Path(job.output)
        if output.exists():  # and has been left unfinished
            shutil.rmtree(output)
        output.mkdir(parents=True)
        (output / "job.json").write_text(job.to_json())
        log = output / "log.txt"
        logging.info("%s; its log is %s.", command[2], log)
        try:
            used = usage.run(command, cores=self._cores, log=log)
            outcome = Outcome(**json.loads(usage.last_line(log)))
        except (subprocess.CalledProcessError, ValueError) as error:
            raise _Failure(f"{usage.last_line(log)!r} (see {log})") from error
        try:
            figures = outcome.figures or judge(job.config, outcome.answers)
        except ValueError as error:  # no numbers, say
            raise _Failure(f"answers that metrics refuse: {error}") from error
        return figures, used.wall_seconds


class _Failure(Exception):
    """A program did not do what it was to do."""


def judge(config: FinetuneConfig, paths: list[str]) -> list[Figures]:
    """What our metrics say of answers.

    Args:
        config: tells the task, the BERT and the examples.
        paths: files with an answer a line, as the task's `to_plain` makes them.
    """
    task_type = task_class(config.task.name)
    held_out: list[Example] = task_type.read_labelled(config.eval_file, {})
    pretrained = read_pretrained(config.init_checkpoint)
    task = task_type(
        config.task,
        BertTokenizer(pretrained.vocabulary, lower_case=pretrained.config.do_lower_case),
    )
    return [
        task.metrics(
            [json.loads(line) for line in pathlib.Path(path).read_text().splitlines()],
            held_out,
        )
        for path in paths
    ]
