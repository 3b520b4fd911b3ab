"""From the bytes of a file to documents.

A text file is cut at some of its line feeds into *units*: each holds one document, or
more rarely none, and what its format writes around it. A unit belongs to the range of the
file that holds its first byte, so that every document is in exactly one range wherever
the ranges are cut, and many workers can share a large file. A range is read forward only,
a chunk at a time, and past its end until its last unit is complete; MAX_DOCUMENT_BYTES
bounds what is held in memory.

White space is what Unicode says it is: also a lone carriage return, a form feed, U+0085,
U+00A0, U+2028, U+2029 and U+3000; but only line feeds end lines. Byte order marks
(U+FEFF) count as white space between documents and are removed from their text, so that
files which begin with one can be joined. NUL and other control characters stay, for the
tokenizer to drop.
"""

import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from bert_tf.data import parquet, sentences
from bert_tf.data.decompression import DAMAGE
from bert_tf.data.documents import BadDocument, ByteRange, Document

# Of a unit. A long novel has 3 MiB; what is longer than this has lost its blank lines.
MAX_DOCUMENT_BYTES = 16 << 20
_TOO_LONG = f"more than {MAX_DOCUMENT_BYTES} bytes"

_CHUNK_BYTES = 1 << 20
_RUN_BYTES = 1 << 16  # of a file: the lines that begin there are a run of them
_BYTE_ORDER_MARK = "\ufeff"
_ASCII = bytes(range(128))
_RARE_SPACES = b"\t\x0b\x0c\r\x1c\x1d\x1e\x1f"  # of ASCII
_SPACE = b"[ %s]" % _RARE_SPACES
_WIDE_SPACE = (  # U+0085, 00A0, 1680, 2000 to 200A, 2028, 2029, 202F, 205F, 3000, FEFF
    rb"(?:\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f"
    rb"|\xe3\x80\x80|\xef\xbb\xbf)"
)
_ANY_WIDE_SPACE = re.compile(_WIDE_SPACE)
# Limited, because a line that may be blank is kept in memory until its end is known.
_MAX_BLANKS = 4096
_BLANKS = b"(?:%s|%s){0,%d}" % (_SPACE, _WIDE_SPACE, _MAX_BLANKS)
_BLANK_LINE_BYTES = 3 * _MAX_BLANKS + len(b"\n\n")
_SPACES = re.compile(b"(?:\n|%s|%s){0,%d}" % (_SPACE, _WIDE_SPACE, _MAX_BLANKS))

# The line feeds that units begin after, for each format.
_BEFORE_BLANK_LINE = re.compile(b"\n(?=%s\n)" % _BLANKS)
_BEFORE_UNIT = {
    "sentences": _BEFORE_BLANK_LINE,
    "prose": _BEFORE_BLANK_LINE,
    "prose_files": re.compile(b"\n(?!)"),  # none
    "lines": re.compile(b"\n"),
    "jsonl": re.compile(b"\n"),
    "wikiextractor": re.compile(b"\n(?=<doc )"),
}
_DOC_END = re.compile(b"(?:^|\n)</doc>%s*(?=\n|$)" % _SPACE)
_TITLE = re.compile(r'title="(.*)"')  # the last attribute; may hold quotation marks


# Where something that may be a document is, and its bytes; or why there is none.
_Unit = tuple[int, bytes] | BadDocument


class _UnusableError(ValueError):
    """Takes the reason and the detail of a BadDocument."""


def read_documents(
    stream: BinaryIO,
    byte_range: ByteRange,
    *,
    input_format: str,
    text_field: str = "text",
    language: str | None = "en",
) -> Iterator[Document | BadDocument]:
    """The documents that belong to a range of a file.

    Formats:
        sentences: a sentence a line; a blank line ends the document. (One with more than
            4,096 characters of white space is not taken for blank.)
        prose: hard-wrapped text; a blank line ends the document. Its lines are joined
            and split into sentences.
        prose_files: the file is one document and must be one range. Blank lines end
            paragraphs, and no sentence crosses the end of a paragraph.
        lines: plain text for whom documents mean nothing: here they are runs of lines,
            each line a paragraph. What cannot be used is a line.
        jsonl: a JSON object a line; each line of its text is a paragraph.
        wikiextractor: `<doc ... title="...">`, the title, paragraphs of a line each and
            `</doc>`. The title is left out, and entities such as `&amp;` are resolved.
        parquet: a column of texts, each line of them a paragraph; see `parquet.rows`.

    Args:
        stream: the decompressed file, buffered; seekable unless the range starts at 0.
        byte_range: which part.
        input_format: one of the above.
        text_field: of the objects of jsonl, or the column of parquet.
        language: of prose, see `sentences.split_sentences`; None: paragraphs stay whole.

    Yields:
        Documents in order, and in place of each that cannot be used a BadDocument with
        one of these reasons: `not_utf8`; `document_too_long`, above MAX_DOCUMENT_BYTES;
        `not_json`; `no_text_field`, absent or no string; `unclosed_doc`, without
        `</doc>`; `outside_doc`, text between documents of wikiextractor; and
        `damaged_file` for as much as was read of the document in which reading failed.

        Every byte but white space is in exactly one of them, save for the bytes of
        documents without text (`{"text": ""}`), which are left out.
    """
    if input_format == "parquet":
        units = parquet.rows(stream, byte_range, text_field)
    else:
        units = _units(stream, byte_range, _BEFORE_UNIT[input_format])
        if input_format == "lines":
            units = _joined(units)
    for unit in units:
        if isinstance(unit, BadDocument):
            yield unit
            continue
        for offset, content in _contents(*unit, input_format):
            place = (byte_range.path, offset, len(content))
            try:
                text = _text(content, input_format, text_field, language)
            except _UnusableError as error:
                yield BadDocument(*place, *error.args)
            except UnicodeError as error:
                yield BadDocument(*place, "not_utf8", str(error))
            else:
                if text:
                    yield Document(*place, text)


def _units(
    stream: BinaryIO, byte_range: ByteRange, before_unit: re.Pattern[bytes]
) -> Iterator[_Unit]:
    """The units that begin in a range of a text file."""
    path, end = byte_range.path, byte_range.end
    in_unit = byte_range.start == 0
    # From the byte before the range, so that a unit that begins with it is found.
    position = unit_start = max(byte_range.start - 1, 0)
    if not in_unit:
        stream.seek(position)
    buffer = b""  # what is at `position`; of a unit that is too long, its end
    try:
        for chunk in _chunks(stream):
            undecided = max(buffer.rfind(b"\n"), 0)
            buffer += chunk
            used = 0
            for match in before_unit.finditer(buffer, undecided):
                unit_end = position + match.end()
                if in_unit:
                    yield _unit(path, unit_start, unit_end, buffer[used : match.end()])
                if end is not None and unit_end >= end:
                    return
                in_unit, unit_start, used = True, unit_end, match.end()
            num_bytes = position + len(buffer) - unit_start
            if not in_unit or num_bytes > MAX_DOCUMENT_BYTES + _BLANK_LINE_BYTES:
                used = max(used, buffer.rfind(b"\n"), len(buffer) - _BLANK_LINE_BYTES)
            buffer = buffer[used:]
            position += used
            if not in_unit and end is not None and position + 1 >= end:
                return
    except DAMAGE as error:
        yield BadDocument(
            path=path,
            offset=unit_start,
            num_bytes=position + len(buffer) - unit_start,
            reason="damaged_file",
            detail=f"{type(error).__name__}: {error}",
        )
    else:
        if in_unit:
            yield _unit(path, unit_start, position + len(buffer), buffer)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """A stream in chunks; an error comes after all that could be read before it."""
    pieces: list[bytes] = []
    num_bytes = 0
    try:
        # Not `read`, which would lose what it has when an error comes.
        while piece := stream.read1(_CHUNK_BYTES):
            pieces.append(piece)
            num_bytes += len(piece)
            if num_bytes >= _CHUNK_BYTES:
                yield b"".join(pieces)
                pieces, num_bytes = [], 0
    except DAMAGE:
        yield b"".join(pieces)
        raise
    yield b"".join(pieces)


def _unit(path: str, start: int, end: int, content: bytes) -> _Unit:
    if end - start <= MAX_DOCUMENT_BYTES:
        return start, content
    return BadDocument(path, start, end - start, "document_too_long", _TOO_LONG)


def _joined(units: Iterable[_Unit]) -> Iterator[_Unit]:
    """Units that begin near each other as one, since each costs its time."""
    for near, group in itertools.groupby(
        units,
        lambda unit: unit if isinstance(unit, BadDocument) else unit[0] // _RUN_BYTES,
    ):
        if isinstance(near, BadDocument):
            yield near
        else:
            starts, contents = zip(*group, strict=True)
            yield starts[0], b"".join(contents)


def _contents(offset: int, unit: bytes, input_format: str) -> Iterator[tuple[int, bytes]]:
    """What a unit holds of documents, without the white space at their ends."""
    if input_format == "parquet":
        yield offset, unit
        return
    bounds = [0, len(unit)]
    if input_format == "wikiextractor":  # text may follow a </doc>
        bounds[1:1] = [match.end() for match in _DOC_END.finditer(unit)]
    elif input_format == "lines" and not _is_utf8(unit):  # only lines are to be bad
        bounds[1:1] = [match.end() for match in _BEFORE_UNIT["lines"].finditer(unit)]
    for start, end in itertools.pairwise(bounds):
        content = unit[start:end]
        num_spaces = 0
        while (used := _SPACES.match(content, num_spaces).end()) > num_spaces:
            num_spaces = used
        if stripped := content[num_spaces:].rstrip(b" \n" + _RARE_SPACES):
            yield offset + start + num_spaces, stripped


def _text(
    content: bytes, input_format: str, text_field: str, language: str | None
) -> bytes:
    """The `Document.text` of a unit."""
    match input_format:
        case "sentences":
            return _normalise_lines(content)
        case "lines":
            paragraphs = content
        case "prose":
            paragraphs = _join_lines(content)
        case "prose_files":
            paragraphs = b"\n".join(map(_join_lines, _BEFORE_BLANK_LINE.split(content)))
        case "jsonl":
            paragraphs = _json_text(content, text_field)
        case "wikiextractor":
            paragraphs = _doc_text(content)
        case "parquet":
            if len(content) > MAX_DOCUMENT_BYTES:
                raise _UnusableError("document_too_long", _TOO_LONG)
            paragraphs = content
    # An empty line, alone, is common and not worth the slow way of normalising.
    paragraphs = _normalise_lines(paragraphs.replace(b"\n\n", b"\n"))
    if language is None:
        return paragraphs
    return "\n".join(
        sentence
        for paragraph in paragraphs.decode().split("\n")
        for sentence in sentences.split_line(paragraph, language)
    ).encode()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeError:
        return False
    return True


def _join_lines(content: bytes) -> bytes:
    return content.strip().replace(b"\r\n", b" ").replace(b"\n", b" ")


def _normalise_lines(content: bytes) -> bytes:
    """Lines with single spaces only, and no line that is empty."""
    content = content.replace(b"\r\n", b"\n")
    text = content.decode()
    if _is_normal(content):
        return content
    lines = text.replace(_BYTE_ORDER_MARK, "").split("\n")
    joined = (" ".join(line.split()) for line in lines)
    return "\n".join(line for line in joined if line).encode()


def _is_normal(content: bytes) -> bool:
    """Whether it takes no work to normalise lines, found out at little cost."""
    return (
        not content.startswith((b" ", b"\n"))
        and not content.endswith((b" ", b"\n"))
        and b"  " not in content.replace(b"\n", b" ")
        and len(content.translate(None, _RARE_SPACES)) == len(content)
        and (
            content.isascii()
            or not _ANY_WIDE_SPACE.search(content.translate(None, _ASCII))
        )
    )


def _json_text(content: bytes, text_field: str) -> bytes:
    text = content.decode()
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _UnusableError("not_json", str(error)) from error
    found = fields.get(text_field) if isinstance(fields, dict) else None
    if not isinstance(found, str):
        raise _UnusableError("no_text_field", f"expected a string {text_field!r}")
    return found.encode()


def _doc_text(content: bytes) -> bytes:
    """What a document of wikiextractor has between its tags, without the title."""
    text = content.decode()
    if not text.startswith("<doc "):
        raise _UnusableError("outside_doc", "text between </doc> and <doc")
    if not text.endswith("\n</doc>"):
        raise _UnusableError("unclosed_doc", "no line </doc> before the next <doc")
    header, *lines, _ = html.unescape(text).split("\n")
    lines = [line for line in lines if line.strip()]
    title = _TITLE.search(header)
    if title and lines and lines[0].split() == title[1].split():
        del lines[0]
    return "\n".join(lines).encode()
