"""`Config`: what is refused, with which rule and value, and the figures that follow from it."""

import dataclasses

import pytest

from ttpoe.config import PRESETS, Config, ConfigError, preset

REFUSED = [
    ("name", ["", "two words", "1st", None]),
    ("width_bits", [0, 8, 32, 96, 1024, -64, "64"]),
    ("vc_tables", [0, 2, 4]),
    ("sets", [0, 1, 3, 32768, -2, 2.5]),
    ("slots", [0, 2, 3, 100, 131072]),
    ("rx_slots", [0, 4, 12, 8192]),
    ("reorder_slots", [0, 2, 12, 4096, 8.0]),
    ("event_depth", [0, 1, 3, 512]),
    ("control_depth", [0, 4, 12, 512]),
    ("payload_depth", [0, 1, 3, 32]),
    ("rx_reserved", [0, -1, 22, 1.5]),
    ("encapsulation", ["", "ip", "IPV4", None, True]),
    ("oui", [-1, 1 << 24, 0x01005E, "98:ed:5c", 1.0, None, True]),
    ("protect", ["", "parity", "SECDED", None, True]),
    ("os_buffer_bytes", [0, -1, 1024, 3000, 1 << 21, 4096.0]),
]


@pytest.mark.parametrize(
    "field, value", [(field, value) for field, values in REFUSED for value in values]
)
def test_a_bad_value_is_named_with_its_rule(field, value):
    with pytest.raises(ConfigError) as error:
        Config(**{field: value})
    assert f"{field} must" in str(error.value)
    assert f"{field}={value!r}" in str(error.value)
    assert "\n" not in str(error.value)


def test_reserved_slots_are_compared_with_all_slots():
    Config(rx_slots=32, rx_reserved=5, reorder_slots=16)
    Config(rx_slots=16, rx_reserved=4, reorder_slots=4)
    with pytest.raises(ConfigError, match="rx_reserved=6, reorder_slots=16, rx_slots=32"):
        Config(rx_slots=32, rx_reserved=6, reorder_slots=16)
    with pytest.raises(ConfigError, match="rx_reserved=4, reorder_slots=8, rx_slots=16"):
        Config(rx_slots=16, rx_reserved=4, reorder_slots=8)


def test_reorder_slots_have_their_ends():
    for slots, rx_slots in ((4, 16), (2048, 4096)):
        config = Config(rx_slots=rx_slots, reorder_slots=slots)
        assert config.reorder_window == 4 * slots


@pytest.mark.parametrize(
    "field, low, high",
    [
        ("sets", 2, 16384),
        ("slots", 4, 65536),
        ("event_depth", 2, 256),
        ("control_depth", 8, 256),
        ("payload_depth", 2, 16),
        ("os_buffer_bytes", 2048, 1 << 20),
    ],
)
def test_both_ends_of_a_range_are_accepted(field, low, high):
    for value in (low, high):
        assert getattr(Config(**{field: value}), field) == value


@pytest.mark.parametrize(
    "width, beats, header", [(64, 128, 8), (128, 64, 4), (256, 32, 2), (512, 16, 1)]
)
def test_figures_of_a_width(width, beats, header):
    config = Config(width_bits=width)
    assert (config.slot_beats, config.header_beats) == (beats, header)
    assert config.width_bytes * beats == 1024 == 1 << config.beat_bits + width.bit_length() - 4


@pytest.mark.parametrize(
    "name, width, links, slots",
    [("tiny", 64, 8, 16), ("default", 64, 128, 64), ("full", 512, 1536, 1024)],
)
def test_presets_are_what_the_readme_promises(name, width, links, slots):
    config = preset(name)
    assert config is PRESETS[name] and config.name == name
    assert (config.width_bits, config.links, config.slots) == (width, links, slots)


def test_numbers_have_room():
    for config in PRESETS.values():
        assert 1 << config.slot_bits == config.slots
        assert 1 << config.count_bits > config.slots
        assert 1 << config.rx_slot_bits == config.rx_slots
        assert 1 << config.lid_bits >= config.links
        assert 1 << config.row_bits >= config.rows
        assert 1 << config.reorder_bits == config.reorder_window == 4 * config.reorder_slots
    assert PRESETS["full"].row_bits == 10  # 8 bits of set, 2 of VC


def test_an_unknown_preset_is_refused_with_those_there_are():
    with pytest.raises(ConfigError) as error:
        preset("huge")
    assert str(error.value) == "preset must be one of tiny, default, full; got preset='huge'"


def test_replace_validates_again():
    assert Config().replace(slots=128).slots == 128
    with pytest.raises(ConfigError, match="slots=100"):
        Config().replace(slots=100)


def test_a_configuration_is_a_constant():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Config().slots = 128
    assert hash(Config()) == hash(Config()) and Config() == Config()
