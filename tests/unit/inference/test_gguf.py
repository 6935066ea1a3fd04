import ctypes
import struct
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ide_agent.errors import ModelFileInvalid
from ide_agent.inference.gguf import FILE_TYPES, TENSOR_TYPES, read_header
from ide_agent.inference.vocabulary import special_texts, token_texts
from support import gguf_file

ONE_TENSOR = [gguf_file.tensor("w", (32, 4), 2, 0)]  # Q4_0: 4 blocks of 18 bytes


def written(folder: Path, content: bytes) -> Path:
    file = folder / "m.gguf"
    file.write_bytes(content)
    return file


def refused(folder: Path, content: bytes) -> ModelFileInvalid:
    file = written(folder, content)
    with pytest.raises(ModelFileInvalid) as caught:
        read_header(file)
    assert str(file) in caught.value.message("en")
    assert str(file) in caught.value.message("tr")
    return caught.value


def test_the_file_types_are_those_of_llama_cpp() -> None:
    from gguf import LlamaFileType

    theirs = {int(kind): kind.name.removeprefix("ALL_").removeprefix("MOSTLY_") for kind in LlamaFileType}
    del theirs[LlamaFileType.GUESSED]  # stands in no file
    assert theirs | {41: "Q2_0"} == FILE_TYPES  # what the engines know and the package does not yet


def test_reads_what_decisions_need(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, gguf_file.file(gguf_file.llama(), ONE_TENSOR, 72)))
    assert (header.architecture, header.name, header.tokenizer) == ("llama", "Tiny", "gpt2")
    assert (header.context_length, header.block_count, header.embedding_length) == (512, 2, 64)
    assert (header.head_count, header.kv_heads) == (4, (2, 2))
    assert (header.key_length, header.value_length) == (16, 16)
    assert header.kv_bytes_per_token == 2 * 2 * (16 + 16) * 2
    assert (header.bos_id, header.eos_id, header.eot_id, header.add_bos) == (0, 1, None, False)
    assert (header.vocabulary, header.parameters, header.file_type) == (6, 128, 3)
    assert (header.chat_template, header.has_fim, header.pooling_type) == (False, False, None)
    assert header.data_end == header.file.stat().st_size


def test_key_and_value_lengths_of_their_own(tmp_path: Path) -> None:
    lengths = {"llama.attention.key_length": 24, "llama.attention.value_length": 8}
    header = read_header(written(tmp_path, gguf_file.file(gguf_file.llama(**lengths))))
    assert header.kv_bytes_per_token == 2 * 2 * (24 + 8) * 2


def test_heads_that_differ_between_blocks(tmp_path: Path) -> None:
    values = gguf_file.llama(**{"llama.attention.head_count_kv": [1, 3]})
    header = read_header(written(tmp_path, gguf_file.file(values)))
    assert header.kv_heads == (1, 3)


@pytest.mark.parametrize(
    "names",
    [
        ("fim_pre_token_id", "fim_suf_token_id", "fim_mid_token_id"),
        ("prefix_token_id", "suffix_token_id", "middle_token_id"),
    ],
)
def test_fim_tokens_under_both_spellings(tmp_path: Path, names: tuple[str, str, str]) -> None:
    ids = {f"tokenizer.ggml.{name}": 3 + index for index, name in enumerate(names)}
    header = read_header(written(tmp_path, gguf_file.file(gguf_file.llama(**ids))))
    assert header.has_fim
    assert header.fim == {"prefix": 3, "suffix": 4, "middle": 5}
    assert token_texts(header, header.fim.values()) == {3: "<PRE>", 4: "<SUF>", 5: "<MID>"}


def test_special_tokens_are_known_by_their_type(tmp_path: Path) -> None:
    kinds = {"tokenizer.ggml.token_type": [2, 1, 1, 3, 3, 1]}
    header = read_header(written(tmp_path, gguf_file.file(gguf_file.llama(**kinds))))
    assert special_texts(header) == ["<s>", "<PRE>", "<SUF>"]
    header.file.unlink()
    with pytest.raises(ModelFileInvalid):
        special_texts(header)


def test_a_file_without_types_names_no_special_token(tmp_path: Path) -> None:
    assert special_texts(read_header(written(tmp_path, gguf_file.file(gguf_file.llama())))) == []


def test_token_texts_leave_out_ids_that_do_not_exist(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, gguf_file.file(gguf_file.llama())))
    assert token_texts(header, [2, 99, -1, 0]) == {0: "<s>", 2: "é"}


@pytest.mark.parametrize(
    ("end", "opened"),
    [
        ("{{ '<|Assistant|><think>\\n' }}{% endif %}", True),
        (
            "{{ '<|im_start|>assistant\\n' }}{% if not thinking %}{{ '<think>\\n\\n</think>' }}{% endif %}",
            False,
        ),
        ("{{ '<|im_start|>assistant\\n' }}{% endif %}", False),
    ],
)
def test_a_chat_template_may_end_within_a_thought(tmp_path: Path, end: str, opened: bool) -> None:
    before = "{{ m.content.split('</think>')[-1] }}" * 400
    values = gguf_file.llama(**{"tokenizer.chat_template": f"{before}{{% if add_generation_prompt %}}{end}"})
    assert read_header(written(tmp_path, gguf_file.file(values))).opens_thought is opened


def test_chat_template_and_long_strings_are_noticed_not_kept(tmp_path: Path) -> None:
    values = gguf_file.llama(**{"tokenizer.chat_template": "{{ x }}" * 100_000})
    assert read_header(written(tmp_path, gguf_file.file(values))).chat_template


def test_big_vocabulary_costs_no_memory(tmp_path: Path) -> None:
    words = [f"{number:0200}" for number in range(30_000)]
    file = written(tmp_path, gguf_file.file(gguf_file.llama(**{"tokenizer.ggml.tokens": words})))
    tracemalloc.start()
    header = read_header(file)
    texts = token_texts(header, [29_999])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert header.vocabulary == 30_000
    assert texts == {29_999: words[-1]}
    assert peak < 3 << 19 < file.stat().st_size // 3  # a megabyte is the reader's buffer


@pytest.mark.parametrize("content", [b"", b"GG", b"PK\3\4" + b"\0" * 100, b"<!DOCTYPE html><html>" * 9])
def test_other_files_are_not_gguf(tmp_path: Path, content: bytes) -> None:
    assert refused(tmp_path, content).key_used == "error.model.not_gguf"


@pytest.mark.parametrize("version", [1, 4])
def test_a_version_that_is_not_known_is_no_damage(tmp_path: Path, version: int) -> None:
    error = refused(tmp_path, gguf_file.head(0, 0, version=version))
    assert error.key_used == "error.model.version"
    assert f"version {version} of GGUF" in error.message("en")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileInvalid, match="No such file"):
        read_header(tmp_path / "gone.gguf")


def test_truncated_data_is_seen_by_its_size(tmp_path: Path) -> None:
    whole = gguf_file.file(gguf_file.llama(), ONE_TENSOR, 72)
    read_header(written(tmp_path, whole))
    assert refused(tmp_path, whole[:-1]).key_used == "error.model.truncated"


def test_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    whole = gguf_file.file(gguf_file.llama(), ONE_TENSOR, 72)
    for length in range(0, len(whole), 7):
        refused(tmp_path, whole[:length])


@pytest.mark.parametrize(
    "content",
    [
        gguf_file.head(0, 0, version=1),
        gguf_file.head(0, 0, version=0x03000000),
        gguf_file.head(1 << 60, 0),
        gguf_file.head(0, 1 << 60),
        gguf_file.head(0, 1) + struct.pack("<Q", 1 << 62),
        gguf_file.head(0, 1) + gguf_file.entry("k", gguf_file.STRING, struct.pack("<Q", 1 << 63)),
        gguf_file.head(0, 1) + gguf_file.entry("k", 77, b""),
        gguf_file.head(0, 1) + gguf_file.entry("k", gguf_file.ARRAY, struct.pack("<IQ", 8, 1 << 40)),
        gguf_file.head(0, 1) + gguf_file.entry("k", gguf_file.ARRAY, struct.pack("<IQ", 4, 1 << 62)),
        gguf_file.head(0, 1) + gguf_file.entry("k", gguf_file.ARRAY, struct.pack("<IQ", 9, 5)),
        gguf_file.head(1, 0) + gguf_file.text("w") + struct.pack("<I", 1 << 30),
        gguf_file.head(1, 0) + gguf_file.tensor("w", [1 << 63] * 8, 0, 1 << 63),
    ],
    ids=[
        "version 1", "big-endian", "tensors", "keys", "key length", "string length", "value type",
        "string array", "number array", "nested array", "dimensions", "tensor size",
    ],
)  # fmt: skip
def test_hostile_headers_are_refused(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path, content + b"\0" * 64)


def test_an_endless_array_of_empty_strings_is_given_up(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    with file.open("wb") as stream:
        count = 1 << 24
        stream.write(gguf_file.head(0, 1))
        stream.write(gguf_file.entry("k", gguf_file.ARRAY, struct.pack("<IQ", 8, count)))
        stream.truncate(stream.tell() + 8 * count)
    with pytest.raises(ModelFileInvalid):
        read_header(file)


@settings(
    max_examples=3 * settings().max_examples,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(changes=st.lists(st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=9)), max_size=4))
def test_damaged_headers_never_do_worse_than_being_refused(tmp_path: Path, changes: list[Any]) -> None:
    content = bytearray(gguf_file.file(gguf_file.llama(), ONE_TENSOR, 72))
    for at, new in changes:
        content[at : at + len(new)] = new
    try:
        header = read_header(written(tmp_path, bytes(content)))
        token_texts(header, [0, 5])
    except ModelFileInvalid:
        pass


def test_block_sizes_are_those_of_the_format() -> None:
    from gguf.constants import GGML_QUANT_SIZES

    theirs = {int(kind): size for kind, size in GGML_QUANT_SIZES.items()}
    # one that the package does not know yet, and one that it takes for larger than ggml does
    assert theirs | {42: (64, 18), 9: (32, 36)} == TENSOR_TYPES


def test_the_tensor_types_are_those_of_the_engine() -> None:
    from xllamacpp import ggml_type

    assert {int(kind) for kind in ggml_type} - {int(ggml_type.GGML_TYPE_COUNT)} == set(TENSOR_TYPES)


@pytest.mark.native
def test_block_sizes_are_those_of_the_engine() -> None:
    ggml = pytest.importorskip("llama_cpp._ggml").libggml
    ggml.ggml_type_size.restype = ctypes.c_size_t
    ggml.ggml_blck_size.restype = ctypes.c_int64
    sizes = {kind: (ggml.ggml_blck_size(kind), ggml.ggml_type_size(kind)) for kind in TENSOR_TYPES}
    assert sizes == TENSOR_TYPES


def test_a_thousand_mutated_headers_do_no_harm(tmp_path: Path) -> None:
    """Read in a process of its own, which gets no more memory than a reader may need."""
    if sys.platform != "linux":
        pytest.skip("the limit on memory is Linux's")
    child = Path(__file__).parents[2] / "support" / "mutated_headers.py"
    answer = subprocess.run(
        [sys.executable, str(child), str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert answer.returncode == 0, answer.stderr[-2000:]
    read, refused, peak = map(int, answer.stdout.split())
    assert read + refused == 1000
    assert min(read, refused) > 50  # mutations that all fail alike would show nothing
    assert peak < 200_000_000


def test_a_file_without_a_model_is_told(tmp_path: Path) -> None:
    file = tmp_path / "m.gguf"
    file.write_bytes(gguf_file.file({"general.name": "m"}))
    with pytest.raises(ModelFileInvalid, match="holds no model"):
        read_header(file)
    file.write_bytes(gguf_file.file({"split.no": 1}))
    assert read_header(file).architecture == ""
