"""The readers as one would write them first: a line at a time, all of it in memory."""

import html
import json
import re

from bert_tf.data import sentences

BYTE_ORDER_MARK = "\ufeff"
MAX_BLANKS = 4096


def read(content, input_format, *, text_field="text", max_bytes=16 << 20):
    """(offset, text) of each document in a file, and (offset, reason) of each bad one."""
    found = []
    for unit_offset, unit in units_of(content, input_format):
        if len(unit) > max_bytes:
            found.append((unit_offset, "document_too_long"))
            continue
        for offset, part in parts_of(unit, input_format):
            stripped = strip_left(part)
            offset += unit_offset + len(part) - len(stripped)
            stripped = stripped.rstrip(b" \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f")
            if not stripped:
                continue
            try:
                text = text_of(stripped, input_format, text_field)
            except UnicodeError:
                text = "not_utf8"
            if text:
                found.append((offset, text))
    return found


def decode(raw):
    """Bytes that are not UTF-8 become characters that are not white space."""
    return raw.decode("utf-8", "surrogateescape")


def strip_left(raw):
    """Without white space and byte order marks before it."""
    text = decode(raw)
    while text != (stripped := text.lstrip().lstrip(BYTE_ORDER_MARK)):
        text = stripped
    return text.encode("utf-8", "surrogateescape")


def is_blank(line):
    return not strip_left(line) and len(decode(line)) <= MAX_BLANKS


def units_of(content, input_format):
    """Where each unit begins, and its bytes."""
    lines = content.split(b"\n")
    units, offset = [(0, b"")], 0
    for number, line in enumerate(lines):
        is_last = number == len(lines) - 1
        begins = {
            "sentences": is_blank(line) and not is_last,
            "prose": is_blank(line) and not is_last,
            "prose_files": False,
            "lines": True,
            "jsonl": True,
            "wikiextractor": line.startswith(b"<doc "),
        }[input_format]
        if begins and number:
            units.append((offset, b""))
        line += b"" if is_last else b"\n"
        units[-1] = (units[-1][0], units[-1][1] + line)
        offset += len(line)
    return units


def parts_of(unit, input_format):
    if input_format != "wikiextractor":
        return [(0, unit)]
    parts, offset = [(0, b"")], 0
    for line in re.split(b"(?<=\n)", unit):
        parts[-1] = (parts[-1][0], parts[-1][1] + line)
        offset += len(line)
        if line.startswith(b"</doc>") and decode(line).strip() == "</doc>":
            parts.append((offset, b""))
    return parts


def text_of(raw, input_format, text_field):
    """The text of a document, or the reason why there is none."""
    text = raw.decode("utf-8")
    if input_format == "jsonl":
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError):
            return "not_json"
        if not isinstance(fields, dict) or not isinstance(fields.get(text_field), str):
            return "no_text_field"
        text = fields[text_field]
        text.encode("utf-8")
    lines = text.split("\n")
    if input_format == "wikiextractor":
        if not text.startswith("<doc "):
            return "outside_doc"
        if len(lines) < 2 or lines[-1] != "</doc>":
            return "unclosed_doc"
        lines = html.unescape("\n".join(lines[:-1])).split("\n")
        title = re.search('title="(.*)"', lines[0])
        lines = [line for line in lines[1:] if line.strip()]
        if title and lines and lines[0].split() == title[1].split():
            lines = lines[1:]
    if input_format == "prose":
        lines = [text]
    if input_format == "prose_files":
        paragraphs = [[]]
        for line in lines:
            if is_blank(line.encode()) and line is not lines[-1]:
                paragraphs.append([])
            paragraphs[-1].append(line)
        lines = ["\n".join(paragraph) for paragraph in paragraphs]
    lines = [line.replace(BYTE_ORDER_MARK, "") for line in lines]
    if input_format == "sentences":
        split = [" ".join(line.split()) for line in lines]
    else:
        split = [each for line in lines for each in sentences.split_sentences(line)]
    return "\n".join(each for each in split if each)
