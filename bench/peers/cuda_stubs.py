"""Empty shared libraries under the names, versions and symbols that a CUDA build of PyTorch asks for when it is loaded, so that
it loads on a machine without them. What would use a GPU fails; the CPU's code is untouched.

    usage: cuda_stubs.py FOLDER-OF-TORCH/lib OUT
"""

import collections
import glob
import os
import subprocess
import sys

# Whose symbols a library has, where the symbol carries no version that says so.
PREFIXES = {
    "libcudart": ("cuda", "__cuda"), "libcublasLt": ("cublasLt",), "libcublas": ("cublas",), "libcudnn": ("cudnn",),
    "libcufft": ("cufft",), "libcusparseLt": ("cusparseLt",), "libcusparse": ("cusparse",), "libcusolver": ("cusolver",),
    "libnccl": ("nccl",), "libnvrtc": ("nvrtc",), "libcupti": ("cupti",), "libnvshmem": ("nvshmem",), "libcufile": ("cuFile",),
    "libcuda.": ("cu",),
}
KINDS = ("cuda", "cublas", "cudnn", "cus", "cuf", "nccl", "nvrtc", "cupti", "nvshmem")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def read(libraries):
    """The libraries that are needed, and the symbols that are wanted and not defined."""
    needed, wanted, defined = set(), set(), set()
    for library in libraries:
        needed |= {line.split("[")[1].split("]")[0] for line in output("readelf", "-d", library) if "(NEEDED)" in line}
        for line in output("nm", "-D", library):
            kind, symbol = line.split()[-2:]
            (wanted if kind in "Uwv" else defined).add(symbol)
    return needed, wanted, {s.split("@")[0] for s in defined}


def write(name, wanted, defined, out):
    """A library that answers 100, no device, to every call."""
    key = max((k for k in PREFIXES if name.startswith(k)), key=len, default=None)
    versions = collections.defaultdict(set)
    for symbol in wanted:
        plain, _, version = symbol.partition("@")
        loose = version == "" or not version.startswith("lib")
        if version == name or loose and key and plain.startswith(PREFIXES[key]) and plain not in defined:
            versions[version.lstrip("@")].add(plain)
    symbols = sorted(set().union(*versions.values()))
    source, script = os.path.join(out, "stub.c"), os.path.join(out, "stub.map")
    with open(source, "w") as f:
        f.write("".join(f"long {s}(void) {{ return {0 if s.startswith('_') else 100}; }}\n" for s in symbols) or "int nothing;\n")
    with open(script, "w") as f:
        f.write("".join(f"{v} {{ global: {'; '.join(sorted(s))}; }};\n" for v, s in versions.items() if v) or "{ global: *; };\n")
    output("gcc", "-w", "-shared", "-fPIC", "-o", os.path.join(out, name), f"-Wl,-soname,{name}", f"-Wl,--version-script={script}", source)


def main(folder, out):
    libraries = glob.glob(os.path.join(folder, "*.so*"))
    os.makedirs(out, exist_ok=True)
    needed, wanted, defined = read(libraries)
    missing = needed - {os.path.basename(l) for l in libraries}
    for name in sorted(n for n in missing if any(k in n for k in KINDS)):
        write(name, wanted, defined, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
