# SPDX-License-Identifier: GPL-2.0
"""The verbs of kt."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from ktlib import (
    apply_check,
    bisect_check,
    branch,
    deps,
    gates,
    lava,
    posting,
    range_diff,
    stress,
    userspace,
)
from ktlib.errors import KtError
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.pipeline import Choice, Pipeline
from ktlib.scenarios import DEBIAN, INITRAMFS, ROOTFS, load_run_profiles
from ktlib.source import Request
from ktlib.ui import Ui

_INTERRUPTED = 130


@dataclass(frozen=True)
class Verb:
    """A verb: what it does in one line, and the function that does it; whether it is about the
    series as a whole, and whether about the default base, as others have nothing of their own for
    it: tables, mutants, figures, pages of the notes."""

    about: str
    act: Callable[[Pipeline, argparse.Namespace], Outcome]
    whole_series: bool = False
    default_base: bool = False


def _deps(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.need(*deps.PACKAGES)
    pipeline.ui.info("every package that is needed is installed")
    return Outcome.PASS


def _source(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    source = pipeline.source
    base, ui = pipeline.base, pipeline.ui
    ui.info(f"Linux {source.version} in {source.git.top}, base {source.base[:12]}")
    ui.info(f"upstream commit: {source.base_commit or f'not known (that of {base.tag})'}")
    if source.is_pinned:
        ui.info(f"files of the series that Debian has changed: {base.differs_from_upstream}")
    return Outcome.PASS


def _apply(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    tip = pipeline.apply(force=options.force)
    pipeline.ui.info(f"branch {branch.BRANCH} in {pipeline.source.git.top} is at {tip[:12]}")
    return Outcome.PASS


def _apply_check(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.need("source")
    series = pipeline.full_series
    return apply_check.check(pipeline.base.tried, series, pipeline.paths, pipeline.ui)


def _bisect_check(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    return pipeline.bisect(bisect_check.lanes_of(options.lanes), boot=options.boot)


def _series(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    tip = pipeline.apply()
    signoff = posting.parse_identity(options.signoff) if options.signoff else None
    content = posting.mails(pipeline.source, pipeline.full_series, tip, signoff)
    if not content:
        pipeline.ui.info("the series is empty: nothing to write")
        return Outcome.PASS
    mbox = options.output or pipeline.paths.out / f"f_revoke-{pipeline.base.name}.mbox"
    posting.write_mbox(content, mbox)
    pipeline.ui.info(f"{mbox}: {len(content)} mails")
    return Outcome.PASS


def _export(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    source, series = pipeline.source, pipeline.full_series
    if options.signoff:
        if options.output is None:
            raise KtError(
                "patches/ carries no Signed-off-by", hint="give --output FOLDER with --signoff"
            )
        signoff = posting.parse_identity(options.signoff)
        content = posting.mails(source, series, pipeline.apply(), signoff)
        posting.write_folder(content, options.output)
        pipeline.ui.info(f"{options.output}: {len(content)} mails")
        return Outcome.PASS
    written = branch.export(source, series, pipeline.paths.selftests, pipeline.ui)
    pipeline.ui.info(f"{written.folder}: {len(written.entries)} patches")
    return Outcome.PASS


def _range_diff(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    if pipeline.base.is_default:
        raise KtError("range-diff compares another base with the default one", hint="give BASE")
    default = Pipeline(pipeline.paths, Choice(), pipeline.ui)
    page = pipeline.paths.patches / pipeline.base.name / range_diff.PAGE
    page.write_text(range_diff.between(default.commits(), pipeline.commits()), "utf-8")
    pipeline.ui.info(str(page))
    return Outcome.PASS


def _config(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.ui.info(str(pipeline.configured.config))
    return Outcome.PASS


def _build(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.ui.info(str(pipeline.built.vmlinux))
    return Outcome.PASS


def _image(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    if options.rootfs == DEBIAN and options.profile == Choice.profile:
        pipeline = pipeline.with_profile(DEBIAN)
    elif options.rootfs and options.rootfs != pipeline.profile.rootfs:
        raise KtError(
            f"the profile '{options.profile}' has no ROOTFS={options.rootfs}",
            hint=f"ROOTFS={DEBIAN} is for PROFILE={DEBIAN}, all others have {INITRAMFS}",
        )
    pipeline.ui.info(str(pipeline.image))
    return Outcome.PASS


def _run(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return pipeline.run().outcome


def _regress(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return pipeline.compare_with_base()


def _plan(options: argparse.Namespace) -> stress.Plan:
    duration = stress.parse_duration(options.duration) if options.duration else None
    return stress.Plan(duration, options.seed, stress.parse_workloads(options.workloads))


def _stress(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    result = pipeline.run_stress(_plan(options))
    if (sums := stress.report(result, pipeline.ui)) is None:
        return max(result.outcome, Outcome.FAIL, key=lambda outcome: outcome.severity)
    pipeline.ui.table(stress.COLUMNS, [sums.cells()])
    return result.outcome


def _soak(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    return pipeline.soak(_plan(options))


def _bench(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    pipeline.bench(options.boots, keep=options.save_baseline)
    return Outcome.PASS


def _bench_check(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return gates.run_gates(gates.bench_gates(pipeline), pipeline.ui)


def _shell(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return pipeline.run(shell=True).outcome


def _check(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.need("source", "check")
    return gates.run_gates(gates.host_gates(pipeline), pipeline.ui)


def _test(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.need(*deps.PACKAGES)
    every = [*gates.host_gates(pipeline), *gates.guest_gates(pipeline)]
    return gates.run_gates(every, pipeline.ui)


def _check_fops(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return gates.run_gates([gates.fops_gate(pipeline)], pipeline.ui)


def _harness(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return gates.run_gates([gates.harness_gate(pipeline)], pipeline.ui)


def _userspace(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    return gates.run_gates([gates.userspace_gate(pipeline, userspace.LONG)], pipeline.ui)


def _userspace_mutants(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    hunt = gates.Gate("userspace mutants", pipeline.hunt_in_userspace)
    return gates.run_gates([hunt], pipeline.ui)


def _models(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    return gates.run_gates([gates.models_gate(pipeline, options.names)], pipeline.ui)


def _mutants(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    found = pipeline.chosen_mutants(options.names)
    pipeline.prove_whole()
    hunt = gates.Gate("mutants", lambda: pipeline.hunt(found))
    return gates.run_gates([hunt], pipeline.ui)


def _recipients(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.recipients_page.write_text(pipeline.recipients(), "utf-8")
    pipeline.ui.info(str(pipeline.recipients_page))
    return Outcome.PASS


def _lava(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    paths, ui = pipeline.paths, pipeline.ui
    if options.what == "results":
        ui.info(f"{lava.report(paths.runs / 'latest')} results")
        return Outcome.PASS
    profiles = load_run_profiles(paths.kernel_config)
    folder = paths.out / "lava"
    folder.mkdir(parents=True, exist_ok=True)
    for name, job in lava.jobs(paths.top, profiles, options.repository).items():
        (folder / f"{name}.yaml").write_text(job, "utf-8")
    ui.info(f"{folder}: {', '.join(profiles)}")
    return Outcome.PASS


def _clean(pipeline: Pipeline, options: argparse.Namespace) -> Outcome:
    kept = set() if options.all else {pipeline.paths.sources}
    for child in pipeline.paths.out.glob("*"):
        if child in kept:
            pipeline.ui.info(f"{child} is kept (it may hold work of yours): clean --all")
        elif child.is_dir():
            shutil.rmtree(child)
        else:
            child.unlink()
    return Outcome.PASS


def _help(pipeline: Pipeline, _options: argparse.Namespace) -> Outcome:
    pipeline.ui.table(
        ("verb", "what it does"), [(name, verb.about) for name, verb in VERBS.items()]
    )
    pipeline.ui.line()
    pipeline.ui.table(("variable of make", "option of kt", "meaning"), _VARIABLES)
    return Outcome.PASS


VERBS = {
    "run": Verb("all the way: packages, source, series, build, boot, tests, verdict", _run),
    "test": Verb("everything that must be green, the boot included", _test, default_base=True),
    "check": Verb(
        "the part of 'test' that boots nothing: units, linters, the series",
        _check,
        default_base=True,
    ),
    "check-fops": Verb(
        "hold every use of f_op against the table of reasons", _check_fops, default_base=True
    ),
    "harness": Verb("build the stress program for this machine, and run its own tests", _harness),
    "models": Verb("search the Promela models, whole and with protections taken out", _models),
    "mutants": Verb(
        "take protections out one by one: a test must notice each", _mutants, default_base=True
    ),
    "userspace": Verb("run fs/revoke.c as a program: a storm of threads, sanitizers", _userspace),
    "userspace-mutants": Verb(
        "the same with protections taken out of it", _userspace_mutants, default_base=True
    ),
    "regress": Verb(
        "the kernel's own kselftests without and with the series", _regress, whole_series=True
    ),
    "stress": Verb("boot and run revoke-stress alone; report.html in the run's folder", _stress),
    "soak": Verb("the same with the profiles plain, debug, kcsan and fault in turn", _soak),
    "bench": Verb(
        "what the series costs: both kernels, side by side; report.html", _bench, default_base=True
    ),
    "bench-check": Verb(
        "count again: within the bounds, and no worse than the baseline?",
        _bench_check,
        default_base=True,
    ),
    "shell": Verb("boot the patched kernel to a prompt", _shell),
    "deps": Verb("install what is missing (root), or print the line that does", _deps),
    "source": Verb("get the kernel source into a git tree under out/src", _source),
    "apply": Verb("make the branch f_revoke there: the base and the series", _apply),
    "apply-check": Verb(
        "try the series on other kernels, patch by patch", _apply_check, default_base=True
    ),
    "bisect-check": Verb(
        "build every patch in order: no new warnings",
        _bisect_check,
        whole_series=True,
        default_base=True,
    ),
    "export": Verb(
        "write the branch, and selftests/, back to patches/", _export, whole_series=True
    ),
    "range-diff": Verb(
        "write down how the series for BASE differs from the default",
        _range_diff,
        whole_series=True,
    ),
    "series": Verb(
        "one mbox of cover letter and patches for b4 or git am", _series, whole_series=True
    ),
    "recipients": Verb(
        "write down who has to get which patch", _recipients, whole_series=True, default_base=True
    ),
    "lava": Verb(
        "write a job for LAVA for each profile, or tell it a run's 'results'",
        _lava,
        default_base=True,
    ),
    "config": Verb("configure the kernel of a profile", _config),
    "build": Verb("build kernel, modules and kselftests", _build),
    "image": Verb("make the guest's initramfs, or its disk", _image),
    "clean": Verb("delete what was made, but not out/src (--all: that too)", _clean),
    "help": Verb("this list", _help),
}

_VARIABLES = (
    ("PROFILE=plain", "--profile", "kernel-config/scenarios.toml has them: plain, debug"),
    ("ACCEL=auto", "--accel", "auto, tcg or kvm; auto tries whether KVM really works"),
    (
        "UPTO=",
        "--upto",
        "stop the series after a '# upto:' marker of patches/*/series; base: before it",
    ),
    ("BASE=v7.3", "--base", "the kernel, and the folder of patches/ that has the series for it"),
    ("DURATION=", "--duration", "stress, soak: how long, in all: 90s, 30m, 2h"),
    ("SEED=", "--seed", "stress, soak: that of the run to be repeated"),
    ("WORKLOADS=", "--workloads", "stress, soak: only these, as io,memory"),
    ("LANES=", "--lanes", "bisect-check: kernel,warnings; x86_64-allnoconfig and others; all"),
    ("BOOT=1", "--boot", "bisect-check: boot what each marker of the series stops at, too"),
    ("REPOSITORY=", "--repository", "lava: where a lab clones this repository from"),
    ("ROOTFS=", "--rootfs", "image: initramfs; debian: a disk with Debian's userspace"),
    ("BOOTS=", "--boots", "bench: boots of each kernel for throughput, 0 for none"),
    ("KERNEL_SRC=", "--kernel-src", "a git tree (its HEAD) or source folder of your own"),
    ("KERNEL_TARBALL=", "--kernel-tarball", "a source tarball in place of Debian's package"),
)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--profile", default=Choice.profile)
    common.add_argument("--accel", default="auto", choices=("auto", "tcg", "kvm"))
    common.add_argument("--upto", default="", metavar="MARKER")
    common.add_argument("--base", default="", metavar="NAME")
    common.add_argument("--kernel-src", type=Path, metavar="PATH")
    common.add_argument("--kernel-tarball", type=Path, metavar="FILE")
    parser = argparse.ArgumentParser(
        prog="kt", description="From a bare machine to a verdict on a booted, patched kernel."
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {
        name: verbs.add_parser(name, help=verb.about, description=verb.about, parents=[common])
        for name, verb in VERBS.items()
    }
    made["apply"].add_argument(
        "--force", action="store_true", help="throw away commits that were not exported"
    )
    for name in ("models", "mutants"):
        made[name].add_argument("names", nargs="*", metavar="NAME", help="all, for none")
    for name in ("stress", "soak"):
        made[name].add_argument("--duration", default="", metavar="TIME", help="90s, 30m, 2h")
        made[name].add_argument("--seed", type=int, metavar="N", help="repeat a run")
        made[name].add_argument("--workloads", default="", metavar="A,B", help="only these")
    made["bisect-check"].add_argument("--lanes", default="", metavar="A,B", help="ways to build")
    made["bisect-check"].add_argument("--boot", action="store_true", help="and boot the parts")
    made["lava"].add_argument("what", nargs="?", choices=("jobs", "results"), default="jobs")
    made["lava"].add_argument("--repository", default="", metavar="ADDRESS", help="of a clone")
    made["bench"].add_argument("--boots", type=int, default=5, metavar="N", help="for throughput")
    made["bench"].add_argument(
        "--save-baseline", action="store_true", help="for bench-check; and put it into the notes"
    )
    made["image"].add_argument(
        "--rootfs", default="", choices=ROOTFS, help="debian: a disk, for PROFILE=debian"
    )
    made["clean"].add_argument("--all", action="store_true", help="out/src as well")
    for name in ("export", "series"):
        made[name].add_argument(
            "--signoff", metavar="'NAME <MAIL>'", help="add the sender's Signed-off-by"
        )
        made[name].add_argument("--output", type=Path, metavar="PATH", help="write to PATH")
    return parser


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """To be told to end is like Ctrl-C: children are not left behind."""
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; returns its exit code."""
    options = _parser().parse_args(arguments)
    ui = Ui()
    request = Request(options.kernel_src, options.kernel_tarball)
    choice = Choice(options.profile, options.accel, options.upto, request, options.base)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        pipeline = Pipeline(Paths.of_checkout(), choice, ui)
        verb = VERBS[options.verb]
        if verb.whole_series and options.upto:
            raise KtError(f"{options.verb} takes all of the series", hint="leave out UPTO")
        if verb.default_base and not pipeline.base.is_default:
            raise KtError(f"{options.verb} is about the default base alone", hint="leave out BASE")
        return verb.act(pipeline, options).exit_code
    except KtError as error:
        print(f"error: {error}", file=sys.stderr)
        for line in error.hint.splitlines():
            print(f"   {line}", file=sys.stderr)
        return error.outcome.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return _INTERRUPTED
