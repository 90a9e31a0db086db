# SPDX-License-Identifier: GPL-2.0
"""Booting both kernels to be measured, and writing down what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ktlib import proc, rundir
from ktlib.bench import report, tables
from ktlib.bench.bounds import Bounds
from ktlib.bench.results import BASE, KERNELS, SERIES
from ktlib.errors import KtError
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.run import RunResult
from ktlib.ui import Ui

COUNT, SCALE = "bench", "bench-scale"
"""The profiles."""

_BEGIN, _END = "<!-- make bench -->", "<!-- end -->"

Boot = Callable[[str, str], RunResult]
"""Boots a kernel, BASE or SERIES, in a profile, COUNT or SCALE."""


def build_programs(paths: Paths, tree: Path, ui: Ui) -> dict[str, Path]:
    """What runs in the guests: place there -> file here."""
    folder = paths.out / "bench" / "programs"
    with ui.step("build the programs of the bench"):
        proc.output(["make", "--silent", "-C", paths.bench, f"TREE={tree}", f"O={folder}"])
    return {f"/usr/bin/{name}": folder / name for name in ("bench-count", "bench-scale")}


class Measurement:
    """Boots kernels, and remembers how."""

    def __init__(self, boot: Boot, ui: Ui) -> None:
        self.commands: list[str] = []
        self._boot = boot
        self._ui = ui

    def counts(self) -> dict[str, Any]:
        """Both kernels' instructions."""
        return {kernel: self._run(kernel, COUNT, "count.json") for kernel in KERNELS}

    def speeds(self, boots: int) -> dict[str, list[Any]]:
        """Both kernels' throughput, as often as that, in turn."""
        found: dict[str, list[Any]] = {BASE: [], SERIES: []}
        for _ in range(boots):
            for kernel in KERNELS:
                found[kernel].append(self._run(kernel, SCALE, "scale.json"))
        return found

    def _run(self, kernel: str, profile: str, name: str) -> Any:
        self._ui.banner(f"{profile}, {kernel}")
        result = self._boot(kernel, profile)
        command = (result.run_dir / "cmd").read_text("utf-8").strip()
        self.commands.append(f"{kernel}: {command}")
        file = result.run_dir / rundir.FILES / name
        if result.outcome is not Outcome.PASS or not file.exists():
            raise KtError(
                f"{profile} of {kernel} ended with {result.outcome.name}",
                outcome=max(result.outcome, Outcome.FAIL, key=lambda outcome: outcome.severity),
                hint="\n".join([*result.reasons[:3], f"see {result.run_dir}"]),
            )
        return json.loads(file.read_text("utf-8"))


def compiler(config: Path) -> str:
    """What the kernel was built with, from its configuration."""
    for line in config.read_text("utf-8").splitlines():
        name, _, value = line.partition("=")
        if name == "CONFIG_CC_VERSION_TEXT":
            return value.strip('"')
    raise KtError(f"{config} does not name a compiler")


def write(result: Mapping[str, Any], bounds: Bounds, folder: Path, ui: Ui) -> None:
    """result.json, report.html and table.md; and the tables for who waits for them."""
    found = tables.all_tables(result, bounds)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "result.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    (folder / "report.html").write_text(report.report(result, bounds), "utf-8")
    (folder / "table.md").write_text(markdown(found), "utf-8")
    for table in found:
        ui.banner(table.title)
        ui.table(table.header, table.rows)
    ui.info(f"report: {folder / 'report.html'}")


def markdown(found: list[tables.Table]) -> str:
    """All tables, for the notes."""
    return "\n".join(table.markdown for table in found)


def update_notes(file: Path, content: str) -> None:
    """Put the tables between the marks of a file."""
    text = file.read_text("utf-8")
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise KtError(f"{file} does not have the lines '{_BEGIN}' and '{_END}'")
    file.write_text(f"{before}{begin}\n\n{content}\n{end}{after}", "utf-8")
