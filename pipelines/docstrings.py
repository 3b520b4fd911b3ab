"""The docstrings of the Python packages that are installed anyway, and their prose.

Nothing is imported: the files are parsed. Same packages, same docstrings in the same
order.
"""

import ast
import concurrent.futures
import dataclasses
import importlib.util
import pathlib
import re
import sysconfig
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence

from absl import logging

from bert_tf.errors import UserError

STANDARD_LIBRARY = "standard_library"
DEFAULT_PACKAGES = (STANDARD_LIBRARY, "numpy", "tensorflow", "keras", "apache_beam")
_SECONDS_BETWEEN_LOG_LINES = 5

# What ends a paragraph and is no prose itself.
_RULE = re.compile(r"[-=~^\"'+|*#_. ]{3,}$")
_DIRECTIVE = re.compile(r"\.\. |@\w+|:(type|rtype|vartype)\b")
_BARE_TYPE = re.compile(r"[*\w]+(, ?[*\w]+)* : \S.*$")  # numpy style: `axis : int`
_TITLE = re.compile(r"[A-Z][\w ]{0,30}:$")  # Args:, Returns:
# What starts a paragraph and is cut off.
_MARKER = re.compile(
    r"([-*+•]|\d{1,2}[.)]|\([a-z0-9]\)) +"
    r"|:\w+( [*\w]+)*: *"  # Sphinx: `:param axis: `
    r"|[*`]{0,2}\w+[*`]{0,2}( \([^)]*\))?: +"  # Google: `axis (int): `
)
# Inline markup, each with what stays of it.
_MARKUP = (
    (re.compile(r":[\w:]+:`([^`<]+?)(?: *<[^`>]*>)?`"), r"\1"),
    (re.compile(r"`([^`<]+?) *<[^`>]*>`_{1,2}"), r"\1"),
    (re.compile(r"\[([^]]+)\]\([^)]*\)"), r"\1"),
    (re.compile(r"`+"), ""),
    (re.compile(r"\*\*([^*]+)\*\*"), r"\1"),
)
_WORD = re.compile(r"[A-Za-z][a-z'-]*[.,;:!?)\"]*$")


@dataclasses.dataclass(frozen=True)
class Docstring:
    """One docstring that has prose."""

    text: str  # all of it, its common indentation removed
    sentences: tuple[str, ...]  # its prose, at least one


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """One parsed file: its docstrings in source order."""

    docstrings: tuple[Docstring, ...]
    readable: bool  # False: not Python as this interpreter knows it


def package_files(package: str) -> list[pathlib.Path]:
    """The Python files of an installed package, sorted by path.

    Args:
        package: an importable top-level name, or `standard_library`.

    Raises:
        UserError: nothing of that name is installed.
    """
    if package == STANDARD_LIBRARY:
        root = pathlib.Path(sysconfig.get_path("stdlib"))
    else:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise UserError(
                f"--packages: expected installed packages, received {package!r}; "
                "install it or leave it out."
            )
        root = pathlib.Path(spec.submodule_search_locations[0])
    # Tests take a third of the time and hardly say a sentence.
    left_out = {"site-packages", "dist-packages", "__pycache__", "test", "tests"}
    files = [
        path
        for path in root.rglob("*.py")
        if not left_out.intersection(path.relative_to(root).parts)
    ]
    return sorted(files, key=lambda path: path.relative_to(root).as_posix())


def read_sources(files: Sequence[pathlib.Path]) -> Iterator[SourceFile]:
    """Parses files, in their order, and says every few seconds how far it is."""
    with concurrent.futures.ProcessPoolExecutor(max_workers=2) as pool:
        sources = pool.map(read_source, files, chunksize=16)
        yield from _log_progress(sources, len(files))


def read_source(path: pathlib.Path) -> SourceFile:
    """Parses a file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's strings
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError):
        return SourceFile(docstrings=(), readable=False)
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = []
    for node in _in_source_order(tree):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            sentences = tuple(filter(is_prose, sentences_of(text)))
            if sentences:
                docstrings.append(Docstring(text, sentences))
    return SourceFile(docstrings=tuple(docstrings), readable=True)


def _in_source_order(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement, parents first; expressions hold no docstrings."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            yield from _in_source_order(child)


def sentences_of(docstring: str) -> Iterator[str]:
    """The sentences of the paragraphs of a docstring, whether prose or not."""
    # Imported here for `--help`, and once in each worker process.
    from bert_tf.data.sentences import split_sentences

    for paragraph in paragraphs_of(docstring):
        yield from split_sentences(paragraph)


def paragraphs_of(docstring: str) -> Iterator[str]:
    """The prose in a docstring: no code, tables, titles, directives or bare types.

    Args:
        docstring: as `ast.get_docstring` gives it, its common indentation removed.

    Yields:
        Paragraphs and list items, each on one line, without markup.
    """
    paragraph: list[str] = []
    literal_indent = -1  # deeper lines are a literal block, announced by `::`
    in_fence = in_doctest = False

    def flush() -> Iterator[str]:
        text = " ".join(paragraph)
        paragraph.clear()
        for pattern, kept in _MARKUP:
            text = pattern.sub(kept, text)
        if text:
            yield text

    for raw_line in docstring.expandtabs().split("\n"):
        line = raw_line.strip()
        indent = len(raw_line) - len(raw_line.lstrip())
        if line.startswith(("```", "~~~")):
            yield from flush()
            in_fence = not in_fence
            continue
        if not line:
            in_doctest = False
            yield from flush()
            continue
        if in_fence or in_doctest:
            continue
        if literal_indent >= 0:
            if indent > literal_indent:
                continue
            literal_indent = -1
        if line.startswith((">>>", "...", "$ ", "In [")):
            in_doctest = True
            yield from flush()
        elif _RULE.match(line):
            paragraph.clear()  # the line above was a title
        elif _DIRECTIVE.match(line) or _BARE_TYPE.match(line) or "|" in line:
            yield from flush()
        elif _TITLE.match(line) and not paragraph:
            continue
        else:
            marker = _MARKER.match(line)
            if marker and (indent or not line[0].isalpha()):
                yield from flush()
                line = line[marker.end() :]
            if line.endswith("::"):
                literal_indent = indent
                line = line[:-1]
            paragraph.append(line)
    yield from flush()


def is_prose(sentence: str) -> bool:
    """Whether a sentence reads as English rather than as code or a fragment.

    It starts like one, ends like one, has at least four words, and three quarters of
    what white space separates are words.
    """
    words = sentence.split()
    if len(words) < 4 or not sentence[0].isupper() or sentence[-1] not in ".!?:)\"'":
        return False
    return sum(map(bool, map(_WORD.match, words))) >= 0.75 * len(words)


def _log_progress(sources: Iterable[SourceFile], num_files: int) -> Iterator[SourceFile]:
    """Passes the files on and says every few seconds how far it is."""
    start = last = time.monotonic()
    for done, source in enumerate(sources, start=1):
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_LOG_LINES:
            last = now
            rate = done / (now - start)
            logging.info(
                "Parsed %d of %d files (%.0f a second, %.0f s left).",
                done,
                num_files,
                rate,
                (num_files - done) / rate,
            )
        yield source
