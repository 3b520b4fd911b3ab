"""Tables that are known by their header, or without one by their first row.

Labels and scores may be left out, for texts to be answered.
"""

from bert_tf.data.task_files.tables import Layout


def _named(
    text: str, label: str, *, pair: str | None = None, no_label: str | None = None
) -> Layout:
    columns = {"text": text, "label": label} | ({"text_pair": pair} if pair else {})
    return Layout(columns, no_label=no_label)


TEXTS = (
    _named("sentence", "label"),  # GLUE's SST-2
    _named("text", "label"),
    # GLUE's CoLA: source, acceptability, the author's mark, sentence.
    Layout({"text": "3", "label": "1"}, cells=(r"[\w.-]+", r"[01]", r"[*?\s]*", r".*")),
    # The SMS spam collection, and others that begin with the label.
    Layout(
        {"text": "1", "label": "0"},
        cells=(r"[\w.-]{1,32}", r".*"),
        header=(r"(?i)label|category|class|sentiment|target|rating", r".*"),
    ),
    *(Layout({"text": text}) for text in ("sentence", "text")),
)

_LABELLED_PAIRS = (
    # SNLI, and GLUE's MNLI.
    _named("sentence1", "gold_label", pair="sentence2", no_label="-"),
    # GLUE's RTE, WNLI and QNLI. Hugging Face has -1 where there is no label, here and
    # in its own SNLI, MNLI and QQP.
    _named("sentence1", "label", pair="sentence2", no_label="-1"),
    _named("question", "label", pair="sentence", no_label="-1"),
    _named("premise", "label", pair="hypothesis", no_label="-1"),
    _named("question1", "label", pair="question2", no_label="-1"),
    _named("question1", "is_duplicate", pair="question2"),  # GLUE's QQP
    _named("#1 String", "Quality", pair="#2 String"),  # GLUE's MRPC
    _named("text", "label", pair="text_pair"),
    _named("text_a", "label", pair="text_b"),
)

PAIRS = (
    *_LABELLED_PAIRS,
    *(
        Layout({name: layout.columns[name] for name in ("text", "text_pair")})
        for layout in _LABELLED_PAIRS
    ),
)

# The score may be called a label, too.
SCORED_PAIRS = tuple(
    Layout({"text": first, "text_pair": second} | score)
    for score in ({"score": "score"}, {"label": "label"}, {})
    for first, second in (
        ("sentence1", "sentence2"),  # GLUE's STS-B
        ("text", "text_pair"),
        ("text_a", "text_b"),
    )
)
