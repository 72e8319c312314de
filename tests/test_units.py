"""Quantities with units: parsing, showing, and what is refused."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from hiersim.errors import HiersimError
from hiersim.units import (
    DIMENSIONS,
    FROM_TEXT,
    Bytes,
    BytesPerSecond,
    Count,
    FlopsPerSecond,
    OpsPerSecond,
    PicojoulesPerBit,
    Picoseconds,
    PositiveBytes,
    Quantity,
    Share,
    UnitError,
    Watts,
    exact,
    of_number,
    parse,
    show,
)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("80 GiB", "bytes", 85_899_345_920),
        ("80GiB", "bytes", 85_899_345_920),
        ("80 GB", "bytes", 80_000_000_000),
        ("1.5 kB", "bytes", 1500),
        ("1 KB", "bytes", 1000),
        ("1 KiB", "bytes", 1024),
        ("3.3 GiB", "bytes", 3_543_348_019),
        ("1_000 MiB", "bytes", 1_048_576_000),
        ("64 PiB", "bytes", 2**56),
        ("0", "bytes", 0),
        (" 4 TB ", "bytes", 4 * 10**12),
        ("3.35 TB/s", "bytes/s", 3.35e12),
        ("1 GiB/s", "bytes/s", 2.0**30),
        ("400 Gb/s", "bytes/s", 50e9),
        ("45 us", "time", 45_000_000),
        ("88.9 ns", "time", 88_900),
        ("1e3 ps", "time", 1000),
        ("2 min", "time", 120 * 10**12),
        ("1 h", "time", 3600 * 10**12),
        ("3.9 pJ/bit", "energy/bit", 3.9),
        ("250 fJ/bit", "energy/bit", 0.25),
        ("2.5 MIOPS", "ops/s", 2.5e6),
        ("1.48 Mops/s", "ops/s", 1.48e6),
        ("90 IOPS", "ops/s", 90.0),
        ("500 mW", "power", 0.5),
        ("1.2 kW", "power", 1200.0),
        ("989.4 TFLOP/s", "FLOP/s", 989.4e12),
        ("2 PFLOP/s", "FLOP/s", 2e15),
        ("2 TFLOP", "FLOP", 2e12),
        ("10%", "share", 0.1),
        ("0.3", "share", 0.3),
        ("12 k", "count", 12_000),
        ("7", "count", 7),
    ],
)
def test_parse(text, dimension, value):
    parsed = parse(text, dimension)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("text", "dimension", "says"),
    [
        ("80", "bytes", "`80` has no unit; expected a size, such as `80 GiB`"),
        ("80 Gib", "bytes", "unknown unit `Gib`; did you mean `GiB`?"),
        ("80 gb", "bytes", "unknown unit `gb`; did you mean `GB`?"),
        ("3 gb/s", "bytes/s", "did you mean `GB/s` or `Gb/s`?"),
        ("5 us", "bytes", "`5 us` is a time; expected a size, such as `80 GiB`"),
        ("5 GiB", "time", "`5 GiB` is a size; expected a time, such as `45 us`"),
        ("5 GB", "bytes/s", "`5 GB` is a size; expected a bandwidth"),
        ("-5 GiB", "bytes", "`-5 GiB` is negative"),
        ("1e18 B", "bytes", "`1e18 B` is out of range; a size is at most 64 PiB"),
        ("1e999 B", "bytes", "out of range"),
        ("1e9999 B", "bytes", "unknown unit"),
        ("2401 h", "time", "a time is at most 2400 h"),
        ("nan GiB", "bytes", "`nan GiB` is not a size"),
        ("inf", "power", "`inf` is not a power"),
        ("", "bytes", "`` is not a size"),
        ("GiB", "bytes", "`GiB` is not a size"),
        ("80 GiB GiB", "bytes", "unknown unit `GiB GiB`"),
        ("0.2 ps", "time", "`0.2 ps` is less than 1 ps"),
        ("0.5 B", "bytes", "`0.5 B` is less than 1 B"),
        ("120%", "share", "`120%` is out of range; a share is at most 1"),
        ("3 TFLOPS", "FLOP/s", "did you mean `TFLOP/s`?"),
        ("9" * 200, "bytes", "is not a size"),
        ("5 parsecs", "time", "a time is written in ps, ns, us, ms, s, min, h"),
    ],
)
def test_parse_refuses(text, dimension, says):
    with pytest.raises(UnitError) as refused:
        parse(text, dimension)
    assert says in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 250


def test_a_unit_error_is_one_of_ours_and_a_value_error():
    assert issubclass(UnitError, HiersimError)
    assert issubclass(UnitError, ValueError)


@pytest.mark.parametrize(
    ("value", "dimension", "text"),
    [
        (0, "bytes", "0 B"),
        (85_899_345_920, "bytes", "80 GiB"),
        (40_265_318_400, "bytes", "37.5 GiB"),
        (4.61e12, "bytes", "4.61 TB"),
        (123_456_789, "bytes", "123 MB"),
        (512, "bytes", "512 B"),
        (3.35e12, "bytes/s", "3.35 TB/s"),
        (45_000_000, "time", "45 us"),
        (61_400_000_000_000, "time", "61.4 s"),
        (3_723 * 10**12, "time", "3723 s"),
        (-1500, "bytes", "-1.5 kB"),
        (0.1234, "share", "12.3%"),
        (1.48e6, "ops/s", "1.48 Mops/s"),
        (989.4e12, "FLOP/s", "989 TFLOP/s"),
        (0.0005, "power", "0.5 mW"),
        (1200, "count", "1.2 k"),
    ],
)
def test_show(value, dimension, text):
    assert show(value, dimension) == text


def test_show_takes_the_asked_base_and_digits():
    assert show(85_899_345_920, "bytes", binary=False) == "85.9 GB"
    assert show(10**12, "bytes", binary=True) == "931 GiB"
    assert show(85_899_345_920, "bytes", digits=5, binary=False) == "85.899 GB"


whole = st.sampled_from([name for name, kind in DIMENSIONS.items() if kind.whole])
real = st.sampled_from([name for name, kind in DIMENSIONS.items() if not kind.whole])


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.data())
def test_exact_comes_back_as_the_same_integer(data):
    dimension = data.draw(whole)
    value = data.draw(st.integers(0, DIMENSIONS[dimension].high))
    assert parse(exact(value, dimension), dimension) == value


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.data())
def test_exact_comes_back_as_the_same_float(data):
    dimension = data.draw(real)
    value = data.draw(st.floats(0, float(DIMENSIONS[dimension].high), allow_subnormal=False))
    assert parse(exact(value, dimension), dimension) == value


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.data())
def test_show_is_near_and_can_be_read_back(data):
    dimension = data.draw(st.sampled_from(list(DIMENSIONS)))
    kind = DIMENSIONS[dimension]
    value = data.draw(st.integers(1, kind.high // 2 or 1))
    assert parse(show(value, dimension), dimension) == pytest.approx(value, rel=0.0051)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text("0123456789.eE+-_ kKMGTiBbpsnum/%OFLW\xb5\t", max_size=14), st.sampled_from(list(DIMENSIONS)))
def test_any_text_is_a_quantity_or_a_unit_error(text, dimension):
    try:
        value = parse(text, dimension)
    except UnitError:
        value = 0
    assert 0 <= Fraction(value) <= DIMENSIONS[dimension].high


class Part(BaseModel):
    size: Bytes = 0
    room: PositiveBytes = 1
    rate: BytesPerSecond = 1.0
    latency: Picoseconds = 0
    energy: PicojoulesPerBit = 0.0
    ops: OpsPerSecond = 1.0
    power: Watts = 0.0
    flops: FlopsPerSecond = 1.0
    share: Share = 1.0
    count: Count = 1


def test_numbers_from_python_are_in_the_base_unit():
    part = Part(size=4096, rate=1e9, latency=5, share=0.5, count=3)
    assert (part.size, part.rate, part.latency, part.share, part.count) == (4096, 1e9, 5, 0.5, 3)


def test_numbers_in_text_need_their_unit():
    with pytest.raises(ValidationError, match="`4096` has no unit; expected a size, such as `80 GiB`"):
        Part.model_validate({"size": 4096}, context=FROM_TEXT)
    part = Part.model_validate({"size": 0, "share": 0.5, "count": 3, "latency": "5 ns"}, context=FROM_TEXT)
    assert (part.size, part.share, part.count, part.latency) == (0, 0.5, 3, 5000)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("size", True, "not `true`"),
        ("size", None, "not nothing"),
        ("size", [1], "not a group"),
        ("size", -1, "is negative"),
        ("size", float("nan"), "expected a finite number"),
        ("size", float("inf"), "expected a finite number"),
        ("size", 10**18, "out of range"),
        ("room", 0, "must be more than 0"),
        ("room", "0 B", "must be more than 0"),
        ("rate", 0, "must be more than 0"),
        ("share", 1.5, "out of range"),
        ("latency", 0.25, "less than 1 ps"),
    ],
)
def test_fields_refuse(key, value, says):
    with pytest.raises(ValidationError, match=says):
        Part(**{key: value})


def test_of_number_rounds_to_the_base_unit():
    assert of_number(10.6, "bytes") == 11
    assert of_number(10.6, "power") == 10.6


@pytest.mark.parametrize("dimension", DIMENSIONS)
def test_the_schema_takes_what_the_parser_takes(dimension):
    import jsonschema

    from hiersim.units import Annotated

    kind = int if DIMENSIONS[dimension].whole else float
    schema = TypeAdapter(Annotated[kind, Quantity(dimension)]).json_schema()
    check = jsonschema.Draft202012Validator(schema)
    units = [unit for unit in DIMENSIONS[dimension].units if unit]
    assert all(check.is_valid(f"{number}{unit}") for unit in units for number in ("1", "0.5 ", ".5", "1_0 ", "1e0 "))
    assert check.is_valid(0)
    assert check.is_valid("0")
    assert not check.is_valid("5 parsecs")
    assert not check.is_valid("-5 " + units[0])
    assert check.is_valid(1) == DIMENSIONS[dimension].bare
