"""The committed tables are those of Unicode 14.0."""

import dataclasses
import subprocess
import sys
import unicodedata

import numpy as np
import pytest

from bert_tf.data import code_points

needs_unicode_14 = pytest.mark.skipif(
    unicodedata.unidata_version != code_points.UNICODE_VERSION,
    reason="Python 3.11 alone has Unicode 14.0",
)


def kind(character, *, lower_case=True):
    tables = code_points.load_tables(lower_case=lower_case)
    slot = tables.page_starts[ord(character) >> 8] + (ord(character) & 0xFF)
    return tables.actions[slot] & code_points.KIND_MASK


@needs_unicode_14
@pytest.mark.slow
@pytest.mark.parametrize("lower_case", [False, True])
def test_regenerating_gives_the_committed_tables(lower_case):
    built = dataclasses.asdict(code_points.build_tables(lower_case=lower_case))
    loaded = dataclasses.asdict(code_points.load_tables(lower_case=lower_case))
    for name, array in built.items():
        np.testing.assert_array_equal(array, loaded[name], err_msg=name)
        assert array.dtype == loaded[name].dtype == np.int32


@pytest.mark.parametrize("lower_case", [False, True])
def test_every_code_point_has_a_slot_and_constants_stay_small(lower_case):
    tables = code_points.load_tables(lower_case=lower_case)
    assert len(tables.page_starts) * code_points.PAGE_SIZE == code_points.NUM_CODE_POINTS
    assert tables.page_starts.max() + code_points.PAGE_SIZE == len(tables.actions)
    assert sum(array.nbytes for array in dataclasses.asdict(tables).values()) < 1e6


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("\0\x01\x0b\x1c\x7f\x85\xad\u200b\u200d\ufeff\ufffd", code_points.DROPPED),
        ("\u0301\u0345\u094d\u034f", code_points.STRIPPED_MARK),
        (" \t\n\r\xa0\u1680\u2003\u2028\u2029\u3000", code_points.SPACE),
        ("!$+<=>^`|~¿–。\u2329中\u3400\uf900\U0002f800", code_points.ALONE),
        ("aAéßİΣДקकあ한€²\u0378\ue000\U00030000", code_points.LETTER),
    ],
)
def test_kinds(characters, expected):
    assert [kind(each) for each in characters] == [expected] * len(characters)


def test_marks_stay_in_cased_text():
    assert kind("\u0301", lower_case=False) == code_points.LETTER


def test_writing_needs_unicode_14(tmp_path, monkeypatch):
    monkeypatch.setattr(code_points.unicodedata, "unidata_version", "15.0.0")
    with pytest.raises(ValueError, match=r"Expected Unicode 14\.0\.0, received 15"):
        code_points.write_tables(tmp_path / "tables.npz")


def test_inexpressible_code_points_are_refused():
    with pytest.raises(ValueError, match="U\\+0041"):
        code_points._kind("A", ["a", "!"])


def test_import_is_light():
    code = "import bert_tf.data.code_points, sys; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
