"""Classic BPF as the kernel runs it over `struct seccomp_data`: the instructions that filters are made of."""

from __future__ import annotations

import struct


def run(program: bytes, number: int, architecture: int, arguments: tuple[int, ...] = ()) -> int:
    """What the filter returns for a system call. Fails where the kernel would not take the program."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("<IIQ6Q", number & 0xFFFF_FFFF, architecture, 0x7F00_0000_1234, *padded)
    instructions = list(struct.iter_unpack("<HBBI", program))
    assert len(instructions) <= 4096, "longer than the kernel allows"
    accumulator = place = 0
    while True:
        assert place < len(instructions), "it runs off its end"
        code, if_true, if_false, operand = instructions[place]
        place += 1
        if code == 0x20:  # load a word
            assert operand % 4 == 0
            (accumulator,) = struct.unpack_from("<I", data, operand)
        elif code == 0x54:  # and
            accumulator &= operand
        elif code == 0x15:  # jump if equal
            place += if_true if accumulator == operand else if_false
        elif code == 0x35:  # jump if at least
            place += if_true if accumulator >= operand else if_false
        elif code == 0x06:  # return
            return operand
        else:
            raise AssertionError(f"an instruction {code:#x} that the interpreter does not know")
