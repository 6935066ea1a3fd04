"""Reads a thousand damaged GGUF headers; prints how many could be read, how many were refused, peak memory.

``mutated_headers.py FOLDER``. More than 200 MB beyond what the process had before is refused by the system.
"""

import random
import resource
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.gguf import read_header
from ide_agent.inference.vocabulary import special_texts, token_texts
from support import gguf_file

_COUNT = 1000
_LIMIT = 200_000_000
_EXTREMES = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 1 << 40, (1 << 63) - 1, (1 << 64) - 1)


def main() -> None:
    """Mutate, read, count."""
    file = Path(sys.argv[1]) / "m.gguf"
    kinds = {"tokenizer.ggml.token_type": [3, 1, 1, 1, 1, 1], "tokenizer.chat_template": "{{ x }}" * 900}
    tensors = [gguf_file.tensor(f"blk.{n}.weight", (64, 64), 2, n * 2304) for n in range(8)]
    whole = gguf_file.file(gguf_file.llama(**kinds), tensors, data=8 * 2304)
    head = len(whole) - 8 * 2304
    chance = random.Random(20261123)
    _ = read_header(_written(file, whole)).quantisation
    before = _address_space()
    resource.setrlimit(resource.RLIMIT_AS, (before + _LIMIT, before + _LIMIT))
    read = 0
    for _ in range(_COUNT):
        _written(file, _mutated(whole, head, chance))
        try:
            header = read_header(file)
            special_texts(header)
            token_texts(header, range(0, 1 << 20, 1 << 10))
            read += 1
        except ModelFileInvalid:
            continue
    print(read, _COUNT - read, _peak())


def _mutated(whole: bytes, head: int, chance: random.Random) -> bytes:
    """`whole` with a few of the mistakes that a hostile or broken file has."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(4, head)
        match chance.randrange(5):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 8] = struct.pack("<Q", chance.choice(_EXTREMES))
            case 2:
                data[at : at + 4] = struct.pack("<I", chance.choice(_EXTREMES) & 0xFFFFFFFF)
            case 3:
                del data[at : at + chance.randint(1, 64)]
            case _:
                data[at:at] = chance.randbytes(chance.randint(1, 64))
    return bytes(data if chance.random() < 0.8 else data[: chance.randrange(len(data))])


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _peak() -> int:
    """Of this process; `getrusage` counts that of the one before it, too."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
