"""Makes a text corpus of English prose without a download.

The docstrings of the Python packages that are installed anyway, as the pretraining
generator reads text: a sentence a line, a blank line between documents.

    python -m pipelines.harvest_docstrings --output=docstrings.txt

Same packages, same bytes.
"""

import os
import pathlib
from collections.abc import Iterable, Iterator, Sequence

from absl import flags, logging

from bert_tf import cli
from bert_tf.errors import UserError
from pipelines.docstrings import (
    DEFAULT_PACKAGES,
    STANDARD_LIBRARY,
    package_files,
    read_sources,
)

# Enough for next-sentence pairs, few enough to stay on one subject.
MIN_SENTENCES_PER_DOCUMENT = 8

_OUTPUT = flags.DEFINE_string("output", None, "Text file to write.")
_PACKAGES = flags.DEFINE_list(
    "packages",
    list(DEFAULT_PACKAGES),
    f"Installed packages to read; {STANDARD_LIBRARY} stands for Python's own.",
)
flags.mark_flag_as_required("output")


def documents_of(
    docstrings: Iterable[Sequence[str]], seen: set[str]
) -> Iterator[tuple[str, ...]]:
    """Joins the docstrings of one file to documents long enough for sentence pairs.

    Args:
        docstrings: sentences of each docstring, in source order.
        seen: the sentences used so far. They are left out, since licences and standard
            arguments are repeated thousands of times, and the new ones are added.

    Yields:
        Documents of at least `MIN_SENTENCES_PER_DOCUMENT` sentences; the file's last one
        may have fewer, but more than one.
    """
    document: list[str] = []
    for docstring in docstrings:
        for sentence in docstring:
            if sentence not in seen:
                seen.add(sentence)
                document.append(sentence)
        if len(document) >= MIN_SENTENCES_PER_DOCUMENT:
            yield tuple(document)
            document = []
    if len(document) > 1:
        yield tuple(document)


def harvest(packages: Sequence[str], output: pathlib.Path) -> None:
    """Writes the corpus of some packages, logging progress and totals.

    Args:
        packages: see `package_files`.
        output: a text file; it appears complete or not at all.

    Raises:
        UserError: a package is not installed, holds no prose, or `output` cannot be
            written.
    """
    files = [path for package in packages for path in package_files(package)]
    unfinished = output.with_name(f"{output.name}.tmp-{os.getpid()}")
    seen: set[str] = set()
    num_documents = num_sentences = num_unreadable = 0
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as text:
            for source in read_sources(files):
                num_unreadable += not source.readable
                docstrings = (each.sentences for each in source.docstrings)
                for document in documents_of(docstrings, seen):
                    text.write(("\n" if num_documents else "") + "\n".join(document))
                    text.write("\n")
                    num_documents += 1
                    num_sentences += len(document)
        if not num_documents:
            raise UserError(
                f"--packages: expected packages with docstrings, received "
                f"{','.join(packages)}; name others."
            )
        num_bytes = unfinished.stat().st_size
        unfinished.replace(output)
    except OSError as error:
        raise UserError(
            f"--output: expected a file that can be written, received {output} "
            f"({error.strerror}); choose another."
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)
    logging.info(
        "Wrote %s: %.1f MB, %d documents, %d sentences, from %d files "
        "(%d unreadable ones left out).",
        output,
        num_bytes / 1e6,
        num_documents,
        num_sentences,
        len(files),
        num_unreadable,
    )


def main(argv: Sequence[str]) -> None:
    """Parses nothing but flags and harvests."""
    del argv
    harvest(_PACKAGES.value, pathlib.Path(_OUTPUT.value))


if __name__ == "__main__":
    cli.run(main)
