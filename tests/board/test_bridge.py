"""`Bridge` in front of two tables of registers, against the UART of cocotbext-uart."""

from tests.board.uart_board import UartBoard
from tests.mac import mac_bench
from ttpoe.board.protocol import crc8, request
from ttpoe.verilog.emit import emit_verilog


def test_against_cocotbext_uart(tmp_path):
    text = emit_verilog(UartBoard(), "pair")
    mac_bench.run_text(text, "board-uart", "tests.board.bridge_cocotb", tmp_path)


def test_the_check_byte_is_the_known_one():
    """CRC-8 of the catalogue (SMBus): of "123456789"."""
    assert crc8(b"123456789") == 0xF4


def test_requests():
    assert request(0x8004) == bytes([0x52, 0x04, 0x80]) + bytes([crc8(b"R\x04\x80")])
    assert request(0x10, 0x11223344)[:-1] == b"W\x10\0\x44\x33\x22\x11"
