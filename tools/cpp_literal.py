"""Bytes as a C++ string literal, for what embeds files in the program."""

# Compilers take no string literal of any length.
PIECE = 4000

ESCAPES = {ord("\\"): "\\\\", ord('"'): '\\"', ord("\n"): "\\n",
           ord("?"): "\\?"}


def piece(data):
    text = "".join(ESCAPES.get(byte) or (chr(byte) if 32 <= byte < 127
                                         else f"\\{byte:03o}")
                   for byte in data)
    return f'"{text}"'


def literal(data):
    return "\n    ".join(piece(data[at:at + PIECE])
                         for at in range(0, len(data), PIECE))
