"""Columns of any type become JSON that reads as the values they hold."""

import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.record_columns import encode_columns, json_values
from retrieval.records import encode_record
from retrieval.substring.hit_records import column_parts


@pytest.mark.parametrize(
    "array",
    [
        pa.array(["a", None, "", "é猫", '"\n\\', "b" * 99]),
        pa.array(["a", None, "", "ascii"], pa.large_string()),
        pa.array([None, None], pa.string()),
        pa.array(["x", None, "y", "x"]).dictionary_encode(),
        pa.array([2**63 - 1, -(2**63), 0]),
        pa.array([2**64 - 1, None], pa.uint64()),
        pa.array([0.1, 1e-300, None, 2.0, -1e22]),
        pa.array([0.1, None, 2.0], pa.float32()),
        pa.array([[1, 2], None, []]),
        pa.array([1, 0, None], pa.int8()),
        pa.array([True, None, False]),
        pa.nulls(3),
        pa.array([], pa.string()),
        pa.array([], pa.int64()),
    ],
    ids=lambda array: str(array.type),
)
def test_the_json_of_any_slice_of_any_type_reads_as_what_arrow_says(array):
    for start in range(len(array) + 1):
        for stop in range(start, len(array) + 1):
            part = array[start:stop]
            read = pa.array(map(json.loads, json_values(part).to_pylist()), part.type)  # float32: the same one
            assert read.to_pylist() == part.to_pylist()


def test_what_is_no_json_number_is_null_and_whole_floats_can_be_integers():
    floats = pa.array([512.0, 0.5, float("nan"), float("-inf"), None, 2.0**60, 1e300])
    assert json_values(floats).to_pylist() == [
        "512.0",
        "0.5",
        "null",
        "null",
        "null",
        "1.152921504606847e+18",
        "1e+300",
    ]
    assert json_values(floats, whole=True).to_pylist()[0::5] == ["512", "1152921504606846976"]
    assert json_values(floats, whole=True).to_pylist()[1::5] == ["0.5", "1e+300"]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()], ids=str)
def test_lines_of_text_are_what_python_writes_with_nulls_and_without(kind):
    every = [chr(code) for code in range(0x100)] + ["", "é猫", '"', '\\"\n', "\u2028", "🐈" * 9]
    for values in (every, [*every, None], ["plain"], ["plain", 'a "quoted"\\" word', "\\\\", '"', "\\n"]):
        urls, names = pa.array(values, pa.string()).cast(kind), pa.array(["x", *values])[1:]
        lines = "".join(encode_record({"URL": value, "QUERY": value, "RANK": 1}) for value in values)
        assert bytes(encode_columns({"URL": urls, "QUERY": names, "RANK": 1})).decode() == lines


def test_bytes_behind_a_null_are_nothing():
    buffers = [pa.py_buffer(b"\x01"), pa.array([0, 1, 3], pa.int32()).buffers()[1], pa.py_buffer(b'x"\x01')]
    hidden = pa.Array.from_buffers(pa.string(), 2, buffers)
    assert json_values(hidden).to_pylist() == ['"x"', "null"]


@given(
    st.lists(st.integers(-(2**64), 2**64), min_size=1)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1)
    | st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1)
    | st.lists(st.floats(1e-4, 1e9) | st.floats(-1e9, -1e-4) | st.sampled_from([0.0, -0.0, 1.0]), min_size=1)
    | st.lists(st.booleans() | st.none() | st.floats(0, 1) | st.integers(0, 9), min_size=1)
)
def test_a_databases_numbers_are_written_as_python_writes_them(values):
    [encoded] = column_parts("similarity", values)
    assert encoded.to_pylist() == list(map(json.dumps, values))
