"""The fast tokenizer against the slow reference beside it, and against the original."""

import json
import lzma
import pathlib
import unicodedata

import pytest
import tensorflow as tf
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bert_tf.data import code_points
from bert_tf.data.tokenization import BertTokenizer
from bert_tf.data.vocab import Vocabulary, load_vocabulary
from bert_tf.data.word_splitting import WordSplitter
from bert_tf.errors import UserError
from tests.data import reference_tokenization as reference

SHARED = pathlib.Path(__file__).resolve().parents[3] / "shared"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="needs ../shared")
needs_unicode_14 = pytest.mark.skipif(
    unicodedata.unidata_version != code_points.UNICODE_VERSION,
    reason="the reference has the tables' Unicode version under Python 3.11 alone",
)
many_examples = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)

# Characters that once were, or could be, treated in different ways by different
# libraries: each line has its reason.
TRICKY = (
    "aAzZ09'.,$^`~|!#[]_"
    " \t\n\r\x00\x0b\x0c\x1c\x1f\x7f\x85\xa0"  # ASCII and Latin-1 controls and spaces
    "\xad\u200b\u200c\u200d\u200e\u2060\ufeff\ufffd\ufffe\U000e0001"  # format characters
    "\u1680\u180e\u2000\u2028\u2029\u202f\u205f\u3000"  # spaces
    "éÉÅÑßẞﬁŒøĐłİıſ\u212a\u212b\u1e9e\u01c5\u1fef\u0340\u037e\u0387"  # case, NFD
    "ΣσςΆΐὈ\u0345\u1fbc"  # Greek, final sigma
    "\u0300\u0301\u0323\u0327\u034f\u0308\u20dd\u05b0\u064b\u094d\u0e48"  # marks
    "\u302e\u302f\u1b44\u0bbe\u0bc6\U0001d15e\U0001d165\U0001d16d\U0001d160"  # reorder
    "\u1112\u1161\u11ab한국가각힣"  # Hangul
    "中文\u3400\u9fff\uf900\ufa0e\U00020000\U0002a6df\U0002f800\U0002fa1f"  # CJK
    "あアー。「"
    "“”–—…‘’¿«»€£©®™²½№\u2260\u226e\u2329\u066a\u0964"  # signs
    "😀👍🏽\U0001f1e9\U0001f468\ufe0f\u20e3"  # emoji
    "\u0378\u0870\U0001df00\U00031350\ue000\U000f0000"  # unassigned, new and private
    "กकாॊАдқش"
)
BYTES = (
    *(b"a", b" ", "é".encode(), b"\xc3", b"\xe4\xb8", b"\xf0\x9f\x98"),
    *(b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\xf5", b"\x80", b"\xff"),
)
any_character = st.characters(exclude_categories=["Cs"])
texts = st.text(st.one_of(st.sampled_from(TRICKY), any_character), max_size=40)
plain_texts = st.text(
    st.sampled_from("aAbBcCdD#.'!$ \t\n\r[]"), max_size=40
)  # of the characters of the vocabulary below, so that words are found
WORDPIECES = """
    a b c d ab abc bcd A B É é e i ss σ ς ! $ . ' # ### ## 's a.b 中 文 한 \u1112 “ 😀
    ##a ##b ##c ##d ##ab ##cd ##abc ##' ##. ##é ##e ##i ##σ ##ς ##ς! ##\u0301 ##文
    ##\u1161 ##\u11ab ##😀 \u302e ##\u302e ##\u1b44 ##\U0001d165
"""


@pytest.fixture(scope="module")
def vocabulary():
    # Lines of real vocabularies hold white space too, which no word can match.
    odd = ("\u2028", "##\u2028", "a b")
    pieces = WORDPIECES.split()
    return Vocabulary(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces, *odd))


@pytest.fixture(scope="module", params=[True, False], ids=["lower", "cased"])
def tokenizer(request, vocabulary):
    return BertTokenizer(vocabulary, lower_case=request.param)


def tokens(tokenizer, texts):
    ids = tokenizer.tokenize(tf.constant(texts, tf.string))
    assert ids.dtype == tf.int32
    vocabulary = tokenizer.vocabulary.tokens
    return [[vocabulary[token] for token in row] for row in ids.to_list()]


def expected_tokens(tokenizer, texts):
    return [
        reference.tokenize(
            text, tokenizer.vocabulary.ids, lower_case=tokenizer.lower_case
        )
        for text in texts
    ]


@needs_unicode_14
@many_examples
@given(st.lists(texts, max_size=4))
@example(["ΑΣ", "ΑΣ.", "ΑΣ\u0301Β", "Σ", "ΑΣ Σ", "\u0301Σ", "ΑΣ", "Α\u200dΣ\u200dΑ"])
@example(["\u0301a", "b\u0301", "", "\u0301", " ", "a"])
@example(["a" * 200, "a" * 201, "é" * 200, "é" * 201, "😀" * 200, "😀" * 201, "a"])
@example(["한" * 66, "한" * 67, "x\u302e\u1b44\u0301\u302f", "\U0001d15e\u1b44"])
@example(["[SEP] ##a a##b", "İSTANBUL ǅ ẞ", "\u1fef a\u2260b \u037e"])
def test_tokens_are_the_reference_s(tokenizer, texts):
    assert tokens(tokenizer, texts) == expected_tokens(tokenizer, texts)


@needs_unicode_14
@many_examples
@given(st.lists(texts, max_size=4))
def test_words_are_the_reference_s(tokenizer, texts):
    words = tokenizer.split_words(tf.constant(texts, tf.string)).to_list()
    assert [[word.decode() for word in row] for row in words] == [
        reference.split_words(text, lower_case=tokenizer.lower_case) for text in texts
    ]


@many_examples
@given(st.lists(plain_texts, max_size=4))
def test_plain_text_is_split_like_any_other(tokenizer, texts):
    assert tokens(tokenizer, texts) == expected_tokens(tokenizer, texts)
    text = tf.constant(texts, tf.string)
    for plain, other in zip(
        tokenizer._tokenize_plain(text, with_offsets=True),
        tokenizer._tokenize_any(text, with_offsets=True),
        strict=True,
    ):
        assert plain.to_list() == other.to_list()


@needs_unicode_14
@many_examples
@given(
    st.lists(
        st.one_of(
            st.binary(max_size=12),
            st.lists(st.sampled_from(BYTES)).map(b"".join),
        ),
        max_size=4,
    )
)
def test_invalid_bytes_are_skipped(tokenizer, texts):
    assert tokens(tokenizer, texts) == expected_tokens(tokenizer, texts)


@many_examples
@given(st.lists(st.one_of(texts, plain_texts), max_size=4))
def test_offsets_are_ordered_spans_of_the_text(tokenizer, texts):
    text = tf.constant(texts, tf.string)
    ids, starts, ends = tokenizer.tokenize_with_offsets(text)
    assert starts.dtype == ends.dtype == tf.int32
    assert ids.to_list() == tokenizer.tokenize(text).to_list()
    for row in zip(texts, ids.to_list(), starts.to_list(), ends.to_list(), strict=True):
        check_spans(tokenizer, *row)


def check_spans(tokenizer, text, ids, starts, ends):
    encoded = text.encode()
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    for token, start, end in zip(ids, starts, ends, strict=True):
        assert 0 <= start < end <= len(encoded)
        source = encoded[start:end].decode()  # whole characters: nothing to ignore
        if source.isascii() and token != tokenizer.vocabulary.unk_id:
            printable = "".join(each for each in source if each.isprintable())
            expected = printable.lower() if tokenizer.lower_case else printable
            piece = tokenizer.vocabulary.tokens[token]
            assert expected == (piece if piece == "##" else piece.removeprefix("##"))


def spans(tokenizer, text):
    _, starts, ends = tokenizer.tokenize_with_offsets([text])
    return [
        text.encode()[start:end].decode()
        for start, end in zip(starts.to_list()[0], ends.to_list()[0], strict=True)
    ]


def test_offsets_of_what_was_changed(vocabulary):
    tokenizer = BertTokenizer(vocabulary, lower_case=True)
    assert spans(tokenizer, "\u200bAbCd\u200b “É”") == ["AbC", "d", "“", "É", "”"]
    assert spans(tokenizer, "e\u0301b a\u0301\u200d\u0327") == [
        "e\u0301",
        "b",
        "a\u0301\u200d\u0327",
    ]
    assert spans(tokenizer, "한") == ["한", "한", "한"]
    assert spans(tokenizer, "a中\u0301b") == ["a", "中\u0301", "b"]
    assert spans(tokenizer, "a Q\u0301x\u200d b") == ["a", "Q\u0301x", "b"]
    assert spans(tokenizer, "é" + "a" * 300 + " b") == ["é" + "a" * 300, "b"]
    assert spans(tokenizer, "a" * 300 + " b") == ["a" * 300, "b"]


def test_long_words_are_unknown_by_characters_not_bytes(tokenizer):
    unknown = [["[UNK]"]]
    for character in "a😀":
        assert tokens(tokenizer, [character * 200]) != unknown
        assert tokens(tokenizer, [character * 201]) == unknown


def test_nothing(tokenizer):
    for texts in ([], [""], ["", " \t"], ["\u0301\u200d"[1:], "\u3000"]):
        empty = [[] for _ in texts]
        assert tokens(tokenizer, texts) == empty
        for ragged in tokenizer.tokenize_with_offsets(tf.constant(texts, tf.string)):
            assert ragged.to_list() == empty
        assert tokenizer.split_words(tf.constant(texts, tf.string)).to_list() == empty


def test_anything_but_a_vector_is_refused(tokenizer):
    with pytest.raises(ValueError, match="vector"):
        tokenizer.tokenize("a")
    with pytest.raises(ValueError, match=r"\(1, 1\)"):
        tokenizer.tokenize([["a"]])


def test_vocabulary_without_words_is_refused():
    vocabulary = Vocabulary(("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"))
    with pytest.raises(UserError, match="received 5 tokens"):
        BertTokenizer(vocabulary, lower_case=True)


TEXTS = ["abc A", "É “a” Σ한", "", "\U0001d15e\u302e\u1b44 ΑΣ", "b" * 201 + "é"]


def test_inside_a_data_set(tokenizer):
    batches = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(tokenizer.tokenize)
    rows = [row for batch in batches for row in batch.to_list()]
    assert rows == tokenizer.tokenize(TEXTS).to_list()


def test_inside_a_saved_model(tokenizer, tmp_path):
    def serve(text):
        ids, starts, ends = tokenizer.tokenize_with_offsets(text)
        words = tokenizer.split_words(text)
        ids_alone = tokenizer.tokenize(text)
        return [each.to_tensor() for each in (ids, starts, ends, ids_alone, words)]

    expected = serve(tf.constant(TEXTS))
    module = tf.Module()
    module.tokenizer = tokenizer
    module.serve = tf.function(serve, input_signature=[tf.TensorSpec([None], tf.string)])
    tf.saved_model.save(module, str(tmp_path))
    reloaded = tf.saved_model.load(str(tmp_path))
    for received, wanted in zip(
        reloaded.serve(tf.constant(TEXTS)), expected, strict=True
    ):
        assert received.numpy().tolist() == wanted.numpy().tolist()
    for nothing in reloaded.serve(tf.constant([], tf.string)):
        assert nothing.shape == (0, 0)


def test_splitting_needs_no_vocabulary():
    words = WordSplitter(lower_case=True).split(tf.constant(["Don't stop, É"]))
    assert words.to_list() == [[b"don", b"'", b"t", b"stop", b",", b"e"]]


@needs_shared
@pytest.mark.parametrize(("lower_case", "field"), [(True, "lower"), (False, "cased")])
def test_the_original_s_tokens(lower_case, field):
    path = SHARED / "data" / "vocab" / "bert-base-uncased-vocab.txt"
    tokenizer = BertTokenizer(load_vocabulary(path), lower_case=lower_case)
    with lzma.open(SHARED / "golden" / "tokenization_cases.jsonl.xz", "rt") as lines:
        cases = [json.loads(line) for line in lines]
    received = tokens(tokenizer, [case["text"] for case in cases])
    differing = [
        case for case, row in zip(cases, received, strict=True) if row != case[field]
    ]
    assert not differing


@needs_shared
@needs_unicode_14
@pytest.mark.parametrize(
    ("name", "lower_case"),
    [
        ("bert-base-uncased", True),
        ("bert-base-cased", False),
        ("bert-base-chinese", True),
        ("bert-base-multilingual-cased", False),
    ],
)
def test_published_vocabularies_on_many_languages(name, lower_case):
    path = SHARED / "data" / "vocab" / f"{name}-vocab.txt"
    tokenizer = BertTokenizer(load_vocabulary(path), lower_case=lower_case)
    lines = [
        line
        for file in sorted((SHARED / "data" / "pretrain" / "udhr").glob("*.txt"))
        for line in file.read_text(encoding="utf-8").split("\n")
    ]
    assert tokens(tokenizer, lines) == expected_tokens(tokenizer, lines)
