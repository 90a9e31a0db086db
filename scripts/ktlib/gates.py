# SPDX-License-Identifier: GPL-2.0
"""The gates of `check` and `test`: one banner each, counts, and a last line with the sum.

A gate that fails does not stop the others, unless they cannot do without it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from ktlib import documents, exchange, lint, mutants, series_checks, userspace
from ktlib.bench import bounds
from ktlib.errors import KtError
from ktlib.ktap import Status
from ktlib.outcome import Outcome
from ktlib.pipeline import Pipeline
from ktlib.tally import Tally
from ktlib.ui import Ui


@dataclass(frozen=True)
class Gate:
    """One gate; `needs` names those without which it makes no sense."""

    title: str
    act: Callable[[], Tally]
    needs: tuple[str, ...] = ()


def host_gates(pipeline: Pipeline) -> list[Gate]:
    """What needs no guest."""
    paths = pipeline.paths
    return [
        Gate("unit tests", lambda: lint.unit_tests(paths)),
        Gate("python", lambda: lint.python_style(paths)),
        Gate("shell", lambda: lint.shell_style(paths)),
        Gate("C++", lambda: lint.cxx_style(paths)),
        Gate("spelling", lambda: lint.spelling(paths)),
        Gate("config fragments", lambda: lint.fragments(paths)),
        Gate("reports", lambda: exchange.check_samples(paths)),
        models_gate(pipeline),
        Gate("source", lambda: _stage(lambda: pipeline.source)),
        Gate("patches", lambda: _patches(pipeline), needs=("source",)),
        Gate("maintainers", lambda: _maintained(pipeline), needs=("source",)),
        Gate("documents", lambda: _documents(pipeline), needs=("source",)),
        Gate("round trip", lambda: _round_trip(pipeline), needs=("source",)),
        Gate("b4", lambda: _b4(pipeline), needs=("source",)),
        fops_gate(pipeline),
        userspace_gate(pipeline, userspace.SHORT),
        harness_gate(pipeline),
    ]


def fops_gate(pipeline: Pipeline) -> Gate:
    """Every use of f_op has a reason."""
    return Gate("f_op", pipeline.check_fops, needs=("source",))


def bench_gates(pipeline: Pipeline) -> list[Gate]:
    """The series costs no more than it may, and no more than it did."""

    @cache
    def result() -> dict[str, Any]:
        return pipeline.measure(boots=0)

    def compared() -> Tally:
        return bounds.compare(result(), bounds.load_baseline(pipeline.cost_baseline))

    return [
        Gate("bounds", lambda: bounds.check(result(), pipeline.cost_bounds)),
        Gate("baseline", compared),
    ]


def harness_gate(pipeline: Pipeline) -> Gate:
    """The stress program, as far as it needs no guest."""
    return Gate("harness", pipeline.check_harness)


def userspace_gate(pipeline: Pipeline, programs: Sequence[userspace.Program]) -> Gate:
    """The core holds under a storm of threads."""
    return Gate("userspace", lambda: pipeline.check_userspace(programs), needs=("source",))


def models_gate(pipeline: Pipeline, names: Sequence[str] = ()) -> Gate:
    """The models verify, and notice what is taken out."""
    return Gate("models", lambda: pipeline.check_models(names))


def guest_gates(pipeline: Pipeline) -> list[Gate]:
    """Build and boot, and see that the tests would have noticed."""
    return [
        Gate("build", lambda: _stage(lambda: pipeline.image), needs=("source",)),
        Gate("guest", lambda: _guest(pipeline), needs=("build",)),
        Gate(
            "mutants",
            lambda: pipeline.hunt(pipeline.chosen_mutants(mutants.SAMPLE)),
            needs=("guest",),
        ),
    ]


def run_gates(gates: Sequence[Gate], ui: Ui) -> Outcome:
    """Run them in order; the last line printed is 'N passed, N failed'."""
    failed: set[str] = set()
    tallies = []
    for gate in gates:
        ui.banner(gate.title)
        tally = _run(gate, failed)
        for line in tally.details:
            ui.info(line)
        if tally.failed:
            failed.add(gate.title)
        ui.line(_verdict(tally, ui))
        tallies.append(tally)
    total = Tally.sum(tallies)
    if failed:
        ui.line(f"failed: {', '.join(gate.title for gate in gates if gate.title in failed)}")
    ui.line(f"{total.passed} passed, {total.failed} failed")
    return Outcome.FAIL if total.failed else Outcome.PASS


def _run(gate: Gate, failed: set[str]) -> Tally:
    tally = Tally()
    missing = [need for need in gate.needs if need in failed]
    if missing:
        tally.add(gate.title, f"not tried, as it needs: {', '.join(missing)}")
        return tally
    try:
        return gate.act()
    except KtError as error:
        tally.add(gate.title, f"{error}\n{error.hint}")
        return tally


def _verdict(tally: Tally, ui: Ui) -> str:
    word = ui.paint("not ok", "red") if tally.failed else ui.paint("ok", "green")
    return f"{word}: {tally.passed} passed, {tally.failed} failed"


def _stage(make: Callable[[], object]) -> Tally:
    make()
    return Tally(passed=1)


def _patches(pipeline: Pipeline) -> Tally:
    return series_checks.patches(pipeline.source, pipeline.full_series)


def _maintained(pipeline: Pipeline) -> Tally:
    tally = series_checks.maintained(pipeline.source, pipeline.full_series)
    current = pipeline.recipients_page.read_text("utf-8") == pipeline.recipients()
    tally.add(pipeline.recipients_page.name, "" if current else "out of date: kt recipients")
    return tally


def _documents(pipeline: Pipeline) -> Tally:
    return documents.check(pipeline.source, pipeline.full_series)


def _round_trip(pipeline: Pipeline) -> Tally:
    selftests = pipeline.paths.selftests
    return series_checks.round_trip(pipeline.source, pipeline.full_series, selftests)


def _b4(pipeline: Pipeline) -> Tally:
    return series_checks.b4_takes_it(pipeline.source, pipeline.full_series)


def _guest(pipeline: Pipeline) -> Tally:
    """Every KTAP case that ran counts; so does the verdict, which knows more than the cases."""
    result = pipeline.run()
    tally = Tally()
    for test in result.tests:
        if test.status is not Status.SKIP:
            tally.add(test.name, "" if test.ok else f"see {result.run_dir}")
    complaint = f"{result.outcome.name}: {result.outcome.summary}"
    tally.add("verdict", "" if result.outcome is Outcome.PASS else complaint)
    return Tally.sum([tally, exchange.check(result.run_dir, pipeline.paths.schemas)])
