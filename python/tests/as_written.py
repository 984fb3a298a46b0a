"""Runs what a page shows, as it is written there, against a simulated gateway: `python as_written.py page.md`.

A block that imports something is a script, and runs in a process of its own where the profile `paper` is the simulated
gateway; other blocks run in order, with the names of the package, on one event loop, and `client` is a client if they
use one. Blocks of tests are for pytest.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import alphec_execution
from alphec_execution import ExecutionClient
from alphec_execution.testing import Gateway

BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
THEIRS = re.compile(r"^(from|import) (ib_async|ib_insync)", re.MULTILINE)


def blocks(page: Path) -> list[str]:
    """What the page shows in Python."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def is_script(block: str) -> bool:
    return block.startswith(("import ", "from "))


def is_test(block: str) -> bool:
    return "def test_" in block


class World:
    """A gateway, and a folder where `alphec-exec.toml` has it as the profile `paper`."""

    def __init__(self, port: int = 0) -> None:
        self.gateway = Gateway(prices={"AAPL": 200, "MSFT": 400}, port=port)
        self._folder = tempfile.TemporaryDirectory()
        self.folder = Path(self._folder.name)
        self.profile = self.gateway.profile(self.folder)
        text = self.profile.read_text(encoding="utf-8").replace("profiles.test", "profiles.paper")
        self.profile.write_text(text, encoding="utf-8")

    def close(self) -> None:
        self.gateway.stop()
        self._folder.cleanup()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def run_script(block: str, world: World) -> str:
    """What it prints."""
    file = world.folder / "as_written.py"
    file.write_text(block, encoding="utf-8")
    command = [sys.executable, str(file)]
    ran = subprocess.run(command, cwd=world.folder, capture_output=True, text=True, timeout=60, check=False)
    if ran.returncode or ran.stderr:
        raise AssertionError(f"{block}\n{ran.stdout}{ran.stderr}")
    return ran.stdout


def names(world: World) -> dict[str, Any]:
    """What the fragments of a page may take for granted."""

    def connect(*arguments: Any, **options: Any) -> ExecutionClient:
        return ExecutionClient.connect(*arguments, config=world.profile, **options)

    class Client(ExecutionClient):
        pass

    Client.connect = connect  # type: ignore[assignment, method-assign]
    known = {name: getattr(alphec_execution, name) for name in alphec_execution.__all__}
    return known | {"asyncio": asyncio, "Decimal": Decimal, "ExecutionClient": Client}


async def run_fragments(page: Path, world: World) -> list[str]:
    """Each in turn; gives those that ran."""
    ran, scope = [], names(world)
    for block in blocks(page):
        if is_script(block) or is_test(block):
            continue
        code = compile(block, page.name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        if "client." in block and "as client:" not in block:
            async with scope["ExecutionClient"].connect("paper", strategy_id="page") as scope["client"]:
                await _run(code, scope)
        else:
            await _run(code, scope)
        ran.append(block)
    return ran


async def _run(code: Any, scope: dict[str, Any]) -> None:
    running = eval(code, scope)
    if inspect.iscoroutine(running):
        await running


def main(page: Path) -> None:
    scripts = [block for block in blocks(page) if is_script(block) and not is_test(block) and not THEIRS.search(block)]
    assert scripts, f"{page} shows no script"
    for script in scripts:
        with World() as world:
            print(run_script(script, world), end="")
            assert world.gateway.truth()["orders"], "nothing was ordered"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
