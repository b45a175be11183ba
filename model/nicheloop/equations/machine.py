"""LLVM assembly to native code, with a cache of object code on disk."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

_MAGIC = b"nicheloop object 1\n"
_DRAFT = ".draft-"
_ENTRY = re.compile(r"[0-9a-f]{64}\.o")  # no other file is ours to delete, wherever the cache is put

CACHE_LIMIT = 256 * 2**20
"""Most bytes of object code that are kept; a network of the model takes 0.1 to 0.3 MB."""
_ABANDONED = 3600.0  # age, in seconds, of a draft whose writer is gone

# Processors that work registers of 512 bits in two halves: half the width takes as long per run, and what the
# lanes of a batch keep, half as much, stays in the nearest cache. Measured: a tenth to a fifth less time.
_HALVED = frozenset(["znver4"])


def cache_directory() -> Path:
    """Where object code is kept: ``NICHELOOP_CACHE``, else the user's cache directory."""
    chosen = os.environ.get("NICHELOOP_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "nicheloop"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "nicheloop" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nicheloop"


@dataclass(frozen=True)
class Host:
    """The processor that code is made for."""

    triple: str
    cpu: str
    features: str
    compiler: str

    @classmethod
    def detect(cls) -> Host:
        """This machine and this version of the compiler."""
        import llvmlite
        import llvmlite.binding as llvm

        try:
            features = llvm.get_host_cpu_features().flatten()
        except RuntimeError:  # not known on every platform; the CPU name then decides alone
            features = ""
        version = ".".join(str(part) for part in llvm.llvm_version_info)
        return cls(
            triple=llvm.get_process_triple(),
            cpu=llvm.get_host_cpu_name(),
            features=features,
            compiler=f"llvmlite {llvmlite.__version__} LLVM {version}",
        )

    @cached_property
    def vector_doubles(self) -> int:
        """How many doubles the processor works at once: its widest register, if that is worked whole."""
        if self.cpu in _HALVED:
            return 4
        have = {feature[1:] for feature in self.features.split(",") if feature.startswith("+")}
        if "avx512f" in have:
            return 8
        return 4 if "avx2" in have or "avx" in have else 2


class MachineCode:
    """Loaded native code; addresses are valid as long as this object lives.

    Attributes
    ----------
    from_cache : bool
        Whether the object code was read instead of compiled.
    """

    def __init__(self, object_code: bytes, engine: Any, from_cache: bool) -> None:
        self.object_code = object_code
        self.from_cache = from_cache
        self._engine = engine
        self._addresses: dict[str, int] = {}  # asking the engine takes 0.1 ms, more than many a call

    def address(self, name: str) -> int:
        """Address of an exported function.

        Raises
        ------
        KeyError
            If the module has no such function.
        """
        if name not in self._addresses:
            address = int(self._engine.get_function_address(name))
            if address == 0:
                raise KeyError(f"the compiled module has no function '{name}'")
            self._addresses[name] = address
        return self._addresses[name]


def compile_module(assembly: str, *, level: int = 1, passes: bool = False) -> MachineCode:
    """Native code of an LLVM module, from the cache if it was compiled before.

    Parameters
    ----------
    assembly : str
        LLVM assembly (opaque pointers).
    level : int
        Optimisation level of the code generator, 0 to 3.
    passes : bool
        Also run LLVM's passes over the module. Programs from tapes are free of repetition and gain nothing;
        loops over vectors may.

    Returns
    -------
    MachineCode
        Ready to call.

    Raises
    ------
    RuntimeError
        If LLVM refuses the assembly.

    Notes
    -----
    The key is a hash of the assembly, the options, processor and compiler version. An entry that does not
    match its own checksum is compiled anew. Entries appear by renaming, so that any number of processes may
    ask at once. When a new entry makes the cache larger than `CACHE_LIMIT`, those that were not used for
    longest are deleted.
    """
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    host = Host.detect()
    path = cache_directory() / f"{_key(assembly, level, passes, host)}.o"
    stored = _read(path)
    if stored is not None:
        return MachineCode(stored, _load(stored, host), from_cache=True)
    fresh = _compile(assembly, level, passes, host)
    _write(path, fresh)
    return MachineCode(fresh, _load(fresh, host), from_cache=False)


def _key(assembly: str, level: int, passes: bool, host: Host) -> str:
    options = f"{level} {passes} {host.triple} {host.cpu} {host.features} {host.compiler}\n"
    return hashlib.sha256(_MAGIC + options.encode() + assembly.encode()).hexdigest()


def _target_machine(host: Host, level: int) -> Any:
    import llvmlite.binding as llvm

    target = llvm.Target.from_triple(host.triple)
    return target.create_target_machine(
        cpu=host.cpu, features=host.features, opt=level, codemodel="jitdefault", jit=True
    )


def _compile(assembly: str, level: int, passes: bool, host: Host) -> bytes:
    import llvmlite.binding as llvm

    module = llvm.parse_assembly(assembly)
    module.verify()
    machine = _target_machine(host, level)
    module.triple = host.triple
    module.data_layout = str(machine.target_data)
    if passes:
        options = llvm.create_pipeline_tuning_options(speed_level=level)
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(module, builder)
    return bytes(machine.emit_object(module))


def _load(object_code: bytes, host: Host) -> Any:
    import llvmlite.binding as llvm

    increment = ctypes.cast(ctypes.pythonapi.Py_IncRef, ctypes.c_void_p).value
    llvm.add_symbol("Py_IncRef", increment)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine(host, 1))
    engine.add_object_file(llvm.ObjectFileRef.from_data(object_code))
    engine.finalize_object()
    return engine


def _read(path: Path) -> bytes | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    head, body = data[: len(_MAGIC) + 32], data[len(_MAGIC) + 32 :]
    if head != _MAGIC + hashlib.sha256(body).digest():
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # used now: many file systems do not keep track of reading
    return body


def _write(path: Path, body: bytes) -> None:
    """Put an entry in place; a cache that cannot be written only costs time."""
    parts: Iterable[bytes] = (_MAGIC, hashlib.sha256(body).digest(), body)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=path.parent, prefix=_DRAFT)
        try:
            with os.fdopen(handle, "wb") as file:
                file.writelines(parts)
            os.replace(draft, path)
        except OSError:
            os.unlink(draft)
        _make_room(path)


def _make_room(newest: Path) -> None:
    """Delete entries until the rest fits, those first that were not used for longest; `newest` stays.

    Others may delete, replace or read the same files meanwhile: what is gone already is passed over, and who
    has read an entry does not need its file any more.
    """
    entries, now = [], time.time()
    for entry in os.scandir(newest.parent):
        with contextlib.suppress(OSError):
            known = entry.stat()
            if entry.name.startswith(_DRAFT) and now - known.st_mtime > _ABANDONED:
                os.unlink(entry.path)
            elif _ENTRY.fullmatch(entry.name):
                entries.append((known.st_mtime, known.st_size, entry.path))
    excess = sum(size for _, size, _ in entries) - CACHE_LIMIT
    for _, size, path in sorted(entries):
        if excess <= 0:
            break
        if path != str(newest):
            with contextlib.suppress(OSError):
                os.unlink(path)
            excess -= size
