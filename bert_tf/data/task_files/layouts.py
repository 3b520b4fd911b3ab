"""Tables that are known by their header, or without one by their first row."""

from bert_tf.data.task_files.tables import Layout


def _named(text: str, label: str, *, pair: str | None = None) -> Layout:
    return Layout({"text": text, "label": label} | ({"text_pair": pair} if pair else {}))


TEXTS = (
    _named("sentence", "label"),  # GLUE's SST-2
    _named("text", "label"),
    # GLUE's CoLA: source, acceptability, the author's mark, sentence.
    Layout({"text": "3", "label": "1"}, cells=(r"\w+", r"[01]", r"[*?]*", r".*")),
    # The SMS spam collection, and others that begin with the label.
    Layout({"text": "1", "label": "0"}, cells=(r"[\w.-]{1,32}", r".*")),
)

PAIRS = (
    _named("sentence1", "gold_label", pair="sentence2"),  # SNLI, and GLUE's MNLI
    _named("sentence1", "label", pair="sentence2"),  # GLUE's RTE, WNLI
    _named("question", "label", pair="sentence"),  # GLUE's QNLI
    _named("question1", "is_duplicate", pair="question2"),  # GLUE's QQP
    _named("#1 String", "Quality", pair="#2 String"),  # GLUE's MRPC
    _named("premise", "label", pair="hypothesis"),
    _named("text", "label", pair="text_pair"),
    _named("text_a", "label", pair="text_b"),
)

SCORED_PAIRS = (
    _named("sentence1", "score", pair="sentence2"),  # GLUE's STS-B
    _named("text", "score", pair="text_pair"),
    _named("text_a", "score", pair="text_b"),
)
