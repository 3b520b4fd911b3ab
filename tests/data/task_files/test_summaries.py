"""Files of articles with summaries, and what is told of broken ones."""

import json
import lzma

import pytest

from bert_tf.data.task_files.summaries import Article, read_articles
from bert_tf.errors import UserError


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


@pytest.mark.parametrize("summary", ["summary", "highlights"])
@pytest.mark.parametrize("article", ["article", "text"])
def test_objects(article, summary, tmp_path):
    path = written(
        tmp_path, "a.jsonl", json.dumps({"id": 1, article: "Été. B.", summary: "A.\nB."})
    )

    assert read_articles(path, {}) == [Article("Été. B.", "A.\nB.", 1)]


def test_compressed_objects_without_summaries(tmp_path):
    path = written(tmp_path, "a.jsonl.xz", lzma.compress(b'\n{"article": "A."}\n'))

    assert read_articles(path, {}) == [Article("A.", None, 2)]


def test_columns_by_name(tmp_path):
    path = written(tmp_path, "a.csv", 'body,gist\n"A.\nB.",A.\n')

    assert read_articles(path, {"text": "body", "summary": "gist"}) == [
        Article("A.\nB.", "A.", 2)
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_presumm(indent, tmp_path):
    items = [
        {"src": [["a", "cat", "."], ["it", "sat"]], "tgt": [["cats"], ["sit"]]},
        {"src": [["y"]], "tgt": [["x"]]},
    ]
    path = written(tmp_path, "cnndm.train.0.json", json.dumps(items, indent=indent))

    articles = read_articles(path, {})

    assert articles == [
        Article("a cat .\nit sat", "cats\nsit", 2 if indent else 1),
        Article("y", "x", 23 if indent else 1),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", r"a\.json: expected articles, received an empty list"),
        ("{}", r"a\.json:1: expected a list of articles, received dict"),
        ('[{"src": [], "tgt": []},\n{"src"', r"a\.json:2: expected JSON, received no J"),
        ('[\n{"src": [], "tgt": [["a"]]}]', r"a\.json:2: .* received an empty article"),
        ('[{"src": [["a"]], "tgt": [[]]}]', r"a\.json:1: .* received an empty summary"),
        ('[{"src": [["\\ud83d"]], "tgt": []}]', r"a\.json:1: .* half of a character"),
        (
            '[{"src": [["a"]], "tgt": [["b"]]},\n[1]]',
            r"a\.json:2: .* as src and tgt, received \[1",
        ),
        ('\n[{"src": ["a b"], "tgt": []}]', r"a\.json:2: .* lists of tokens"),
        ('[{"src": [["a", 1]], "tgt": []}]', r"a\.json:1: .* lists of tokens"),
    ],
)
def test_broken_presumm(text, message, tmp_path):
    with pytest.raises(UserError, match=message):
        read_articles(written(tmp_path, "a.json", text), {})


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ({}, r"a\.jsonl:2: expected a column 'summary'"),
        ({"article": " ", "summary": "B"}, r"a\.jsonl:2: .* 'article', received nothing"),
    ],
)
def test_broken_objects(second, message, tmp_path):
    objects = [{"article": "A", "summary": "B"}, {"article": "A"} | second]
    path = written(tmp_path, "a.jsonl", "\n".join(map(json.dumps, objects)))

    with pytest.raises(UserError, match=message):
        read_articles(path, {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", '{"article": "A"}'),
        ("a.jsonl", '{"article": "A", "summary": "\\n"}'),
        ("a.jsonl", '{"article": "A", "summary": null}'),
        ("a.json", '[{"src": [["A"]]}]'),
    ],
)
def test_an_article_that_waits_for_its_summary(name, content, tmp_path):
    assert read_articles(written(tmp_path, name, content), {}) == [Article("A", None, 1)]


def test_a_summary_of_nothing(tmp_path):
    path = written(tmp_path, "a.csv", "body,gist\nA.,A.\n")

    with pytest.raises(UserError, match=r"expected text, \[summary\], received summary;"):
        read_articles(path, {"summary": "gist"})


def test_real_articles(shared):
    folder = shared / "data" / "summarisation"
    if not folder.is_dir():
        pytest.skip("needs articles")
    news = read_articles(f"{folder}/bbc_news_summary.jsonl.xz", {})
    tokens = read_articles(f"{folder}/cnndm_sample.train.0.json", {})

    assert len(news) == 1824 and all(each.text and each.summary for each in news)
    assert len(tokens) == 6
    assert tokens[0].summary.split("\n")[0] == "pov video has gone viral on youtube"


def test_presumm_has_no_columns(tmp_path):
    path = tmp_path / "articles.json"
    path.write_text('[{"src": [["a"]], "tgt": [["b"]]}]')
    with pytest.raises(UserError, match="--columns: expected none for PreSumm's JSON"):
        read_articles(str(path), {"text": "src"})
