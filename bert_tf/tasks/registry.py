"""The tasks by their names."""

from bert_tf.errors import UserError
from bert_tf.tasks.classification import Classification, PairClassification
from bert_tf.tasks.fill_mask import FillMask
from bert_tf.tasks.multiple_choice import MultipleChoice
from bert_tf.tasks.question_answering import QuestionAnswering
from bert_tf.tasks.regression import PairRegression
from bert_tf.tasks.seq2seq import Seq2Seq
from bert_tf.tasks.similarity import Similarity
from bert_tf.tasks.summarisation import Summarisation
from bert_tf.tasks.tagging import Tagging
from bert_tf.tasks.task import Task

TASKS: dict[str, type[Task]] = {
    "classification": Classification,
    "pair_classification": PairClassification,
    "pair_regression": PairRegression,
    "similarity": Similarity,
    "fill_mask": FillMask,
    "tagging": Tagging,
    "question_answering": QuestionAnswering,
    "multiple_choice": MultipleChoice,
    "summarisation": Summarisation,
    "seq2seq": Seq2Seq,
}


def task_class(name: str) -> type[Task]:
    """The task of a name.

    Raises:
        UserError: there is none.
    """
    if name not in TASKS:
        raise UserError(
            f"task: expected one of {', '.join(TASKS)}, received {name!r}; choose one of "
            "them."
        )
    return TASKS[name]
