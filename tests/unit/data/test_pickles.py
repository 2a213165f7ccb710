"""Pickles: arrays come out, and nothing ever runs."""

from __future__ import annotations

import io
import pickle
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lensbench import DataError
from lensbench.data.conversion import convert
from lensbench.data.layouts import open_source, open_sources
from lensbench.data.pickles import unpickle
from lensbench.data.picture import Selection


class Reduced:
    """Pickles to a call of anything."""

    def __init__(self, *reduction: Any) -> None:
        self.reduction = reduction

    def __reduce__(self) -> Any:
        return self.reduction


def attacks(trace: Path) -> dict[str, bytes]:
    """Pickles that would write the file `trace`, or exhaust the memory, were they loaded."""
    import os
    import subprocess

    command = f"touch {trace}"
    code = f"open({str(trace)!r}, 'w').close()"
    image = np.zeros((8, 8))

    def stack_global(module: str, name: str, argument: str) -> bytes:
        parts = b"".join(b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
        text = argument.encode()
        return (
            b"\x80\x04" + parts + b"\x93" + b"X" + struct.pack("<I", len(text)) + text + b"\x85R."
        )

    nested = np.array([image, Reduced(os.system, (command,))], dtype=object)
    twice = np.array([np.array([Reduced(eval, (code,)), 1], dtype=object), 2], dtype=object)
    found = {
        "os.system": pickle.dumps(Reduced(os.system, (command,))),
        "os.system, protocol 0": pickle.dumps(Reduced(os.system, (command,)), 0),
        "subprocess": pickle.dumps(Reduced(subprocess.Popen, (["touch", str(trace)],))),
        "eval": pickle.dumps(Reduced(eval, (code,))),
        "exec": pickle.dumps(Reduced(exec, (code,))),
        "getattr chain": pickle.dumps(Reduced(getattr, (Reduced(__import__, ("os",)), "system"))),
        "nested object array": pickle.dumps(nested),
        "object array in object array": pickle.dumps(twice),
        "dotted name": stack_global("numpy", "ndarray.__class__", "x"),
        "numpy runstring": stack_global("numpy.testing._private.utils", "runstring", code),
        "numpy exec_mod": stack_global("numpy.distutils.exec_command", "exec_command", command),
        "numpy f2py": stack_global("numpy.f2py.diagnose", "run_command", command),
        "numpy f2py eval": stack_global("numpy.f2py.crackfortran", "myeval", code),
        "numpy ctypes": stack_global("numpy.ctypeslib", "load_library", str(trace)),
        "numpy load": stack_global("numpy", "load", str(trace)),
        "numpy fromfile": stack_global("numpy", "fromfile", "/etc/hostname"),
        "numpy memmap": stack_global("numpy", "memmap", "/etc/hostname"),
        "copyreg": stack_global("copyreg", "_reconstructor", "x"),
        "functools.partial": stack_global("functools", "partial", "x"),
        "operator.attrgetter": stack_global("operator", "attrgetter", "x"),
        "torch": stack_global("torch.serialization", "load", "x"),
        "pathlib": stack_global("pathlib", "Path", str(trace)),
        "INST opcode": b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        "OBJ opcode": b"(cos\nsystem\nS'" + command.encode() + b"'\no.",
        "persistent id": b"Pspam\n.",
        "extension registry": b"\x80\x02\x82\x01.",
        "huge memo": b"\x80\x02]r\xff\xff\xff\x7f.",
        "huge bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
        "huge shape": pickle.dumps(
            Reduced(np.zeros(0).__reduce__()[0], (np.ndarray, (10**11,), b"b"))
        ),
        "dtype with code": pickle.dumps(Reduced(np.dtype, (code,))),
    }
    honest = pickle.dumps(np.zeros(1, dtype=object), 2)
    found["huge object array"] = honest.replace(b"K\x01\x85", b"J\xff\xff\xff\x7f\x85")
    laugh = b"\x80\x02]q\x00"
    for i in range(60):
        laugh += b"](h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1])
    found["billion laughs"] = laugh + b"."
    found["state on a name"] = b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb."
    found["slots on a name"] = (
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nN}X\x0c\x00\x00\x00__defaults__K\x01s\x86b."
    )
    return found


NAMES = sorted(attacks(Path("unused")))


@pytest.mark.parametrize("name", NAMES)
def test_attack_is_refused(name: str, tmp_path: Path) -> None:
    """A hostile pickle is refused in little time and memory, and nothing of it runs."""
    trace = tmp_path / "ran"
    content = attacks(trace)[name]
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(Exception) as caught:
        unpickle(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert isinstance(
        caught.value, pickle.UnpicklingError | ValueError | MemoryError | KeyError | EOFError
    )
    assert not trace.exists()
    assert time.process_time() - start < 3
    assert peak < 2**27


@pytest.mark.parametrize(
    "name", ["os.system", "nested object array", "numpy f2py", "getattr chain"]
)
def test_attack_through_convert(name: str, tmp_path: Path) -> None:
    """Converting a hostile .npy or .pkl gives one line that names the file, and leaves no file."""
    trace = tmp_path / "ran"
    content = attacks(trace)[name]
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": (2,)}
    )
    for file, whole in (("bad.npy", header.getvalue() + content), ("bad.pkl", content)):
        path = tmp_path / file
        path.write_bytes(whole)
        with pytest.raises(DataError, match=file.replace(".", "[.]")) as caught:
            source = open_source(path, Selection(objects=True))
            convert(source, tmp_path / "out.h5", False, lambda *_: None)
        assert "\n" not in caught.value.message
        assert not (tmp_path / "out.h5").exists()
    assert not trace.exists()


def test_the_attacks_are_real(tmp_path: Path) -> None:
    """What is refused above does run when `pickle` itself loads it."""
    for name in ("os.system", "eval", "nested object array", "object array in object array"):
        trace = tmp_path / "ran"
        pickle.loads(attacks(trace)[name])
        assert trace.exists(), name
        trace.unlink()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("dtype", ["<f8", ">f8", "<f4", "<i8", "|u1", "|b1", "<f2"])
def test_arrays_survive(protocol: int, dtype: str) -> None:
    """Arrays of numbers of either byte order come out as they went in, under every protocol."""
    array = (np.arange(24).reshape(4, 6) % 2).astype(dtype)
    fortran = np.asfortranarray(array)
    read = unpickle(pickle.dumps([array, fortran, 3.5, np.float64(2.5)], protocol))
    assert np.array_equal(read[0], array) and read[0].dtype == array.dtype
    assert np.array_equal(read[1], array)
    assert read[2:] == [3.5, 2.5]


def test_release_pair(write: Callable[[str], Path]) -> None:
    """`[image, mass]` becomes an image with its mass once objects are asked for."""
    folder = write("classes")
    source = open_source(folder, Selection(objects=True))
    index = next(i for i, item in enumerate(source.items) if item.name == "axion/1.npy")
    picture = source.read(index)
    assert picture.pixels.shape == (1, 16, 16)
    assert picture.values["mass"] == 2e-23


def test_pickle_is_not_read_unless_asked(write: Callable[[str], Path]) -> None:
    """Unless objects are asked for, items are marked, and reading one is an error with a remedy."""
    source = open_sources(write("classes"))[0]
    index = next(i for i, item in enumerate(source.items) if item.pickled)
    with pytest.raises(DataError, match="object pickle") as caught:
        source.read(index)
    assert "lensbench data convert" in caught.value.hint
