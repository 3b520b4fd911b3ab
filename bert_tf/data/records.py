"""tf.Example records and TFRecord files, byte by byte, many at a time.

Written by hand because a protobuf map has no order of its own, so that equal examples
could get different bytes, and because a record at a time in Python costs more than all
the rest of making it.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from bert_tf.data import schema
from bert_tf.data.compiled import compiled

# The fields of tensorflow/core/example/{example,feature}.proto that are used: each a
# message or packed numbers, so wire type 2, which is a length and that many bytes.
_EXAMPLE_FEATURES = _FEATURES_MAP = _ENTRY_KEY = _LIST_VALUE = 1 << 3 | 2
_ENTRY_VALUE = _FLOAT_LIST = 2 << 3 | 2
_INT64_LIST = 3 << 3 | 2

_FRAME_START_BYTES = 8 + 4  # length and its checksum
_FRAME_END_BYTES = 4  # checksum of the record


def encode_records(
    values_by_role: Mapping[str, np.ndarray],
    features: Sequence[schema.Feature],
    *,
    lengths: np.ndarray,
) -> np.ndarray:
    """The content of a TFRecord file with N examples.

    Args:
        values_by_role: for each role of `features` its values, [N, K]: bool, int32 or
            int64 of at least 0, or float32.
        features: what `bert_tf.data.schema` gave.
        lengths: int64 [N], how many values of each example are written of the features
            of variable length.

    Returns:
        uint8 [bytes]: framed and checksummed tf.train.Examples, their features in the
        order of `features`; the same values always give the same bytes.

    Raises:
        ValueError: the values do not match the features, or one is below 0.

    Source: protobuf.dev/programming-guides/encoding; tensorflow/core/lib/io/
    record_writer.h.
    """
    schema.check_values(values_by_role, features)
    columns = [_column(values_by_role[each.role], each, lengths) for each in features]
    map_sizes = np.sum([_field_sizes(column.entry_sizes) for column in columns], axis=0)
    record_sizes = _field_sizes(map_sizes)
    frame_sizes = record_sizes + _FRAME_START_BYTES + _FRAME_END_BYTES
    starts = np.cumsum(frame_sizes) - frame_sizes
    content = np.empty(frame_sizes.sum(), np.uint8)
    cursors = starts + _FRAME_START_BYTES
    _write_headers(content, cursors, _EXAMPLE_FEATURES, map_sizes)
    for column in columns:
        column.write(content, cursors)
    _write_frames(content, starts, record_sizes, _CRC_TABLES)
    return content


class _Column:
    """One feature of N examples: an entry of the features' map, which is key and value.

    Attributes:
        entry_sizes: bytes of key and value, int64 [N].
    """

    def __init__(self, values: np.ndarray, counts: np.ndarray, name: str, list_tag: int):
        self._values = values  # [N, K]
        self._counts = counts  # [N]: how many of K are written
        encoded = name.encode()
        self._key = np.frombuffer(
            bytes((_ENTRY_KEY, len(encoded))) + encoded, np.uint8
        )  # a name has fewer than 128 bytes
        packed_sizes = _packed_sizes(values, counts)
        list_sizes = _field_sizes(packed_sizes)
        feature_sizes = _field_sizes(list_sizes)
        self.entry_sizes = len(self._key) + _field_sizes(feature_sizes)
        self._value_tags = np.array([_ENTRY_VALUE, list_tag, _LIST_VALUE], np.uint8)
        self._value_sizes = np.stack([feature_sizes, list_sizes, packed_sizes], axis=1)

    def write(self, content: np.ndarray, cursors: np.ndarray) -> None:
        """Writes the entry of each example, and moves the cursors behind them."""
        _write_headers(content, cursors, _FEATURES_MAP, self.entry_sizes)
        _write_entries(
            content,
            cursors,
            self._key,
            self._value_tags,
            self._value_sizes,
            self._values,
            self._counts,
        )


def _column(values: np.ndarray, feature: schema.Feature, lengths: np.ndarray) -> _Column:
    if feature.dtype == "float32":
        as_bytes = np.ascontiguousarray(values, "<f4").view(np.uint8)
        counts = np.full(len(values), as_bytes.shape[1])
        return _Column(as_bytes, counts, feature.name, _FLOAT_LIST)
    if values.dtype == bool:
        values = values.view(np.uint8)  # which is what is written
    elif values.size and values.min() < 0:
        raise ValueError(
            f"{feature.name}: expected numbers of at least 0, received {values.min()}."
        )
    counts = np.full(len(values), values.shape[1]) if feature.shape else lengths
    return _Column(values, counts, feature.name, _INT64_LIST)


def _field_sizes(content_sizes: np.ndarray) -> np.ndarray:
    """Bytes of fields of the wire type 2: tag, length and content."""
    sizes = content_sizes + 2
    limit = 1 << 7
    while (content_sizes >= limit).any():
        sizes += content_sizes >= limit
        limit <<= 7
    return sizes


@compiled
def _packed_sizes(values, counts):
    """Bytes of the values as varints; those of bytes as they are."""
    sizes = np.empty(len(values), np.int64)
    for row in range(len(values)):
        size = counts[row]
        if values.itemsize > 1:
            for index in range(counts[row]):
                rest = values[row, index] >> 7
                while rest:
                    size += 1
                    rest >>= 7
        sizes[row] = size
    return sizes


@compiled
def _write_varint(content, cursor, number):
    while number > 0x7F:
        content[cursor] = number & 0x7F | 0x80
        number >>= 7
        cursor += 1
    content[cursor] = number
    return cursor + 1


@compiled
def _write_header(content, cursor, tag, size):
    content[cursor] = tag
    return _write_varint(content, cursor + 1, size)


@compiled
def _write_headers(content, cursors, tag, sizes):
    for row in range(len(cursors)):
        cursors[row] = _write_header(content, cursors[row], tag, sizes[row])


@compiled
def _write_entries(content, cursors, key, value_tags, value_sizes, values, counts):
    """Writes each row's key, the headers of its value one in another, and its values."""
    for row in range(len(cursors)):
        cursor = cursors[row]
        for index in range(len(key)):  # a slice compiles for long
            content[cursor + index] = key[index]
        cursor += len(key)
        for level in range(len(value_tags)):
            cursor = _write_header(
                content, cursor, value_tags[level], value_sizes[row, level]
            )
        for index in range(counts[row]):
            if values.itemsize > 1:
                cursor = _write_varint(content, cursor, values[row, index])
            else:
                content[cursor] = values[row, index]
                cursor += 1
        cursors[row] = cursor


# Checksums: CRC-32C (Castagnoli), eight bytes at a time (Kounavis and Berry 2005).

_CRC_POLYNOMIAL = 0x82F63B78  # reflected
_CRC_MASK_DELTA = np.uint32(0xA282EAD8)  # tensorflow/core/lib/hash/crc32c.h


def _crc_tables() -> np.ndarray:
    """uint32 [8, 256]: row k is a byte's effect when k zero bytes follow it."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = crc >> 1 ^ np.where(crc & 1, np.uint32(_CRC_POLYNOMIAL), np.uint32(0))
    tables = [crc]
    for _ in range(7):
        tables.append(tables[-1] >> 8 ^ crc[tables[-1] & 0xFF])
    return np.stack(tables)


_CRC_TABLES = _crc_tables()


@compiled
def _masked_crc(content, start, stop, tables):
    crc = np.uint32(0xFFFFFFFF)
    index = start
    while index + 8 <= stop:
        crc = (
            tables[7, content[index] ^ (crc & 0xFF)]
            ^ tables[6, content[index + 1] ^ (crc >> 8 & 0xFF)]
            ^ tables[5, content[index + 2] ^ (crc >> 16 & 0xFF)]
            ^ tables[4, content[index + 3] ^ (crc >> 24)]
            ^ tables[3, content[index + 4]]
            ^ tables[2, content[index + 5]]
            ^ tables[1, content[index + 6]]
            ^ tables[0, content[index + 7]]
        )
        index += 8
    while index < stop:
        crc = tables[0, content[index] ^ (crc & 0xFF)] ^ np.uint32(crc >> 8)
        index += 1
    crc = np.uint32(~crc)
    return np.uint32(np.uint32(crc >> 15 | crc << 17) + _CRC_MASK_DELTA)


@compiled
def _write_little_endian(content, cursor, number, num_bytes):
    for index in range(num_bytes):
        content[cursor + index] = (number >> (8 * index)) & 0xFF


@compiled
def _write_frames(content, starts, record_sizes, tables):
    """Writes length and checksums around records that are in their places."""
    for row in range(len(starts)):
        start, size = starts[row], record_sizes[row]
        record = start + _FRAME_START_BYTES
        _write_little_endian(content, start, size, 8)
        length_crc = _masked_crc(content, start, start + 8, tables)
        _write_little_endian(content, start + 8, length_crc, 4)
        record_crc = _masked_crc(content, record, record + size, tables)
        _write_little_endian(content, record + size, record_crc, 4)
