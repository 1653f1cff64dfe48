"""Runs the notebook and the Python of docs/researchers.md, and fails where a cell does or a block prints something else."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

NOTEBOOK = Path("examples/python/values.ipynb")
PAGE = Path("docs/researchers.md")
OUT = Path("build/python")


def notebook() -> None:
    nb = nbformat.read(NOTEBOOK, 4)
    if any(cell.get("outputs") or cell.get("execution_count") for cell in nb.cells):
        sys.exit(f"{NOTEBOOK}: it is kept without outputs, which {OUT / NOTEBOOK.name} has")
    NotebookClient(nb, timeout=300, startup_timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}}).execute()
    plots = sum("image/png" in output.get("data", {}) for cell in nb.cells for output in cell.get("outputs", []))
    if plots < 4:
        sys.exit(f"{NOTEBOOK}: {plots} plots were drawn")
    nbformat.write(nb, OUT / NOTEBOOK.name)
    print(f"{NOTEBOOK}: {len(nb.cells)} cells, {plots} plots, in {OUT / NOTEBOOK.name}")


def page(update: bool) -> None:
    """Each block of Python is a program, which runs beside the page's files and prints the block of text behind it."""
    folder = OUT / "researchers"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("examples/researchers", folder)
    blocks = re.compile(r"```python\n(.*?)```\n\n```text\n(.*?)```\n", re.S)

    def run(block: "re.Match[str]") -> str:
        printed = subprocess.run([sys.executable, "-c", block[1]], cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
        if printed != block[2] and not update:
            sys.exit(f"{PAGE}: a block prints\n{printed}\nand the page says\n{block[2]}\n(python/notebook.py --update)")
        return f"```python\n{block[1]}```\n\n```text\n{printed}```\n"

    text = PAGE.read_text(encoding="utf-8")
    ran, count = blocks.subn(run, text)
    if not count or count != text.count("```python\n"):
        sys.exit(f"{PAGE}: {count} blocks of Python with what they print, of {text.count('```python')}")
    if update:
        PAGE.write_text(ran, encoding="utf-8")
    print(f"{PAGE}: {count} block of Python")


os.chdir(Path(__file__).parent.parent)
page("--update" in sys.argv[1:])
notebook()
