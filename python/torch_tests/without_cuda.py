"""Lets PyTorch's wheel load without the 2 GB of CUDA libraries that it names: empty libraries take their places.

    python without_cuda.py FOLDER && LD_LIBRARY_PATH=FOLDER python ...

The wheel from the package index is built for CUDA and links it at load. On a machine without a GPU nothing of it is ever
called, so that a library of the right name, with the right versions and symbols, each of which says "no device", is enough. Needs
gcc, nm and readelf.
"""

from __future__ import annotations

import collections
import importlib.util
import pathlib
import re
import subprocess
import sys

# Whose symbols are whose, where the wheel asks for them without naming a library.
PREFIXES = {
    "libcudart": ("cuda", "__cuda"), "libcublasLt": ("cublasLt",), "libcublas": ("cublas",), "libcudnn": ("cudnn",), "libcufft": ("cufft",),
    "libcusparseLt": ("cusparseLt",), "libcusparse": ("cusparse",), "libcusolver": ("cusolver",), "libnccl": ("nccl",), "libnvrtc": ("nvrtc",),
    "libcupti": ("cupti",), "libnvshmem": ("nvshmem",), "libcufile": ("cuFile",), "libcurand": ("curand",), "libcuda.": ("cu",),
}  # fmt: skip
NO_DEVICE = 100  # cudaErrorNoDevice


def read(*command: str) -> list[str]:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def asked(folder: pathlib.Path) -> tuple[set[str], set[str]]:
    """The libraries that the wheel's need and do not bring, and the symbols that they lack, as name or name@version."""
    libraries = sorted(folder.glob("*.so*"))
    needed, lacking, defined = set[str](), set[str](), set[str]()
    for lib in libraries:
        needed.update(re.findall(r"\(NEEDED\).*\[(.*)\]", "\n".join(read("readelf", "-d", str(lib)))))
        for line in read("nm", "-D", str(lib)):
            *_, kind, name = line.split()
            if kind in ("U", "w", "v"):
                lacking.add(name)
            else:
                defined.add(name.split("@")[0])
    there = {lib.name for lib in libraries}
    return {n for n in needed - there if re.match(r"lib(cu|nccl|nvrtc|nvshmem|nvJitLink)", n)}, {s for s in lacking if s.split("@")[0] not in defined}


def stub(name: str, symbols: set[str], out: pathlib.Path) -> None:
    prefixes = PREFIXES.get(max((p for p in PREFIXES if name.startswith(p)), key=len, default=""), ())
    versions: dict[str, set[str]] = collections.defaultdict(set)
    for s in symbols:
        symbol, _, version = s.partition("@")
        version = version.lstrip("@")
        if version == name or (not version.startswith("lib") and prefixes and symbol.startswith(prefixes)):
            versions[version].add(symbol)
    functions = sorted(set().union(*versions.values())) if versions else []
    source, script = out / "stub.c", out / "stub.map"
    source.write_text("".join(f"long {f}(void) {{ return {0 if f.startswith('_') else NO_DEVICE}; }}\n" for f in functions) or "int nothing;\n")
    script.write_text("".join(f"{v} {{ global: {'; '.join(sorted(fs))}; }};\n" for v, fs in versions.items() if v) or "{ global: *; };\n")
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", str(out / name), f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", str(source)], check=True)
    source.unlink()
    script.unlink()


def main(out: pathlib.Path) -> None:
    spec = importlib.util.find_spec("torch")  # found, not loaded
    if spec is None or spec.origin is None:
        sys.exit("torch is not installed")
    out.mkdir(parents=True, exist_ok=True)
    needed, symbols = asked(pathlib.Path(spec.origin).parent / "lib")
    for name in sorted(needed):
        stub(name, symbols, out)
    print(f"{len(needed)} libraries in {out}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
