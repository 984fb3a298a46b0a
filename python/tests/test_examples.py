"""What the documentation shows runs."""

import ast
import asyncio
import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(
    ("script", "says"), [("first_order.py", "filled, filled 10 of 10"), ("mean_reversion.py", "side")]
)
def test_an_example_runs(script, says, tmp_path):
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / script), "3"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    assert says in ran.stdout


def test_the_notebook_runs_cell_by_cell_on_one_loop():
    notebook = json.loads((EXAMPLES / "first_look.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    scope: dict[str, object] = {}

    async def run() -> None:
        for cell in cells:
            running = eval(compile(cell, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), scope)
            if inspect.iscoroutine(running):
                await running

    asyncio.run(run())
