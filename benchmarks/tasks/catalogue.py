"""The tasks that systems are compared at: files, settings, metrics and floors.

Rates and epochs are in the ranges that are published for small BERTs (Turc et al. 2019),
and nobody has searched for better ones. Floors are what any seed has to reach.
"""

import dataclasses

from bert_tf.config import BertConfig, TaskConfig

# Of random weights, for the one task that no BERT has been pretrained for.
_SMALL = BertConfig(
    hidden_size=128,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=512,
    max_position_embeddings=256,
    initializer_range=0.05,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Contest:
    """A task that systems are compared at."""

    name: str
    task: TaskConfig
    train_file: str  # in the folder of data, like eval_file
    eval_file: str = ""  # none: a fifth of train_file's lines
    splits_repeats: bool = False  # whether equal lines may be on both sides of it
    num_train_lines: int | None = None  # of train_file, chosen by content; None: all
    train_lines: str = ".*"  # a pattern of those that are chosen from
    has_header: bool = False  # train_file, if only a part of it is trained on
    metric: str
    floor: float | None = None
    learning_rate: float = 1e-4
    num_epochs: int = 3
    num_seeds: int = 3
    random_encoder: BertConfig | None = None  # None: the pretrained one


CONTESTS = {
    "sst2": Contest(
        name="SST-2, 10,000 sentences",
        task=TaskConfig("classification"),
        train_file="classification/SST-2/train.tsv.xz",
        eval_file="classification/SST-2/dev.tsv",
        has_header=True,
        num_train_lines=10_000,
        # Sentences, as all of dev are; most lines are phrases from within them.
        train_lines=r".*[.!?] *\t[01]",
        metric="accuracy",
        floor=0.87,
    ),
    "sms_spam": Contest(
        name="SMS spam",
        task=TaskConfig("classification"),
        train_file="classification/sms_spam/SMSSpamCollection",
        splits_repeats=True,  # as is usual for it
        metric="f1",
        floor=0.97,
    ),
    "sms_spam_apart": Contest(
        name="SMS spam, none on both sides",
        task=TaskConfig("classification"),
        train_file="classification/sms_spam/SMSSpamCollection",
        metric="f1",
    ),
    "rte": Contest(
        name="RTE",
        task=TaskConfig("pair_classification"),
        train_file="pair/RTE/train.tsv",
        eval_file="pair/RTE/dev.tsv",
        metric="accuracy",
        num_epochs=5,
    ),
    "snli": Contest(
        name="SNLI, 1,000 pairs",
        task=TaskConfig("pair_classification"),
        train_file="pair/SNLI/snli_dev_subset.jsonl",
        metric="accuracy",
        num_epochs=5,
    ),
    "stsb": Contest(
        name="STS-B",
        task=TaskConfig("pair_regression"),
        train_file="pair/STS-B/train.tsv",
        eval_file="pair/STS-B/dev.tsv",
        metric="spearman",
        floor=0.84,
        num_epochs=4,
    ),
    "ewt": Contest(
        name="UD-EWT, parts of speech",
        task=TaskConfig("tagging", max_seq_length=256),
        train_file="tagging/ud_ewt/en_ewt-ud-train.conllu.xz",
        eval_file="tagging/ud_ewt/en_ewt-ud-dev.conllu.xz",
        metric="accuracy",
        floor=0.93,
    ),
    "wnut17": Contest(
        name="WNUT-17, entities",
        task=TaskConfig("tagging", max_seq_length=256),
        train_file="tagging/wnut17/wnut17train.conll",
        eval_file="tagging/wnut17/emerging.dev.conll",
        metric="f1",
        num_epochs=5,
    ),
    "squad": Contest(
        name="SQuAD 2.0, 8 articles",
        task=TaskConfig("question_answering", max_seq_length=256, doc_stride=128),
        train_file="qa/squad_v2.0_mini_train.json",
        eval_file="qa/squad_v2.0_mini_eval.json",
        metric="best_f1",
        num_seeds=2,
    ),
    "openbookqa": Contest(
        name="OpenBookQA",
        task=TaskConfig("multiple_choice"),
        train_file="multiple_choice/openbookqa/train_complete.jsonl",
        eval_file="multiple_choice/openbookqa/dev_complete.jsonl",
        metric="accuracy",
        num_seeds=2,
    ),
    "bbc": Contest(
        name="BBC summaries",
        task=TaskConfig("summarisation", max_seq_length=256, doc_stride=128),
        train_file="summarisation/bbc_news_summary.jsonl.xz",
        metric="rougeL",
        num_epochs=2,
        num_seeds=2,
    ),
    "scan": Contest(
        name="SCAN simple, from random weights",
        task=TaskConfig("seq2seq", max_seq_length=256),
        train_file="seq2seq/scan/tasks_train_simple.txt.xz",
        eval_file="seq2seq/scan/tasks_test_simple.txt.xz",
        metric="exact_match",
        floor=0.95,
        learning_rate=1e-3,
        num_epochs=8,
        random_encoder=_SMALL,
    ),
}
