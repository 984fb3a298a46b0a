"""What the documentation shows runs."""

import ast
import asyncio
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import as_written
import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "docs" / "python.md", ROOT / "python" / "README.md", ROOT / "README.md"]
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


SCRIPTS = [
    pytest.param(block, id=f"{page.parent.name}/{page.name}-{number}")
    for page in PAGES
    for number, block in enumerate(as_written.blocks(page), 1)
    if as_written.is_script(block) and not as_written.is_test(block)
]


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_the_documentation_trades_as_it_is_written(script):
    theirs = bool(as_written.THEIRS.search(script))
    # Theirs has the port in it that TWS has for paper accounts.
    with as_written.World(port=7497 if theirs else 0) as world:
        assert as_written.run_script(script, world).strip()
        assert world.gateway.truth()["orders"]


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_fragment_of_the_documentation_runs_as_it_is_written(page):
    with as_written.World() as world:
        ran = asyncio.run(as_written.run_fragments(page, world))
        wanted = [block for block in as_written.blocks(page) if not as_written.is_script(block)]
        assert ran == [block for block in wanted if not as_written.is_test(block)]


def test_the_tests_of_the_documentation_pass_as_they_are_written(tmp_path):
    tests = [block for page in PAGES for block in as_written.blocks(page) if as_written.is_test(block)]
    assert tests
    for number, block in enumerate(tests):
        (tmp_path / f"test_{number}.py").write_text(block)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
    )
    assert f"{len(tests)} passed" in ran.stdout, ran.stdout


def test_the_notebook_runs_in_jupyter(tmp_path):
    """In a kernel of its own, which runs its own event loop, as a person runs it."""
    command = ["-m", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path)]
    ran = subprocess.run(
        [sys.executable, *command, str(EXAMPLES / "first_look.ipynb")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"JUPYTER_PLATFORM_DIRS": "1", "HOME": str(tmp_path)},
    )
    assert ran.returncode == 0, ran.stderr
    cells = json.loads((tmp_path / "first_look.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = [output for cell in cells for output in cell.get("outputs", [])]
    assert not [output for output in shown if output["output_type"] == "error"]
    tables = ["".join(output.get("data", {}).get("text/html", "")) for output in shown]
    assert any("200.01" in table for table in tables), "the fill is shown as a table"


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
