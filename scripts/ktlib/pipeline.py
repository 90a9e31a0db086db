# SPDX-License-Identifier: GPL-2.0
"""The way from nothing to a verdict, stage by stage; each stage brings about those before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ktlib import (
    bisect_check,
    branch,
    deps,
    fops,
    harness,
    models,
    mutants,
    range_diff,
    recipients,
    regress,
    series,
    stress,
)
from ktlib.account import Provenance, origin
from ktlib.bases import Base, load_base
from ktlib.bench import bounds, measure, results, sizes, tables
from ktlib.errors import KtError
from ktlib.image import make_image
from ktlib.kbuild import STRESS, Build
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.rootfs import make_rootfs
from ktlib.run import RunResult, RunSpec, run_guest
from ktlib.scenarios import DEBIAN, Profile, find_profile
from ktlib.source import Request, Source, obtain
from ktlib.tally import Tally
from ktlib.ui import Ui
from ktlib.userspace import Program, Storms, mutants_of_core

# A mutant that hangs is noticed; a sound kernel needs less than this part of its deadlines, and
# of the time for all tests, when it is one test that is run.
_MUTANT_PATIENCE = 0.25
_MUTANT_SHARE = 0.06


@dataclass(frozen=True)
class Choice:
    """What the user chose on the command line."""

    profile: str = "plain"
    accel: str = "auto"
    upto: str = ""
    request: Request = Request()
    base: str = ""


class Pipeline:
    """Stages as properties and methods; what a stage made is kept for the next ones."""

    def __init__(self, paths: Paths, choice: Choice, ui: Ui) -> None:
        self.paths = paths
        self.choice = choice
        self.ui = ui

    def need(self, *purposes: str) -> None:
        """Have the packages of these purposes, or stop."""
        deps.ensure(purposes, self.paths.out / "deps.log", self.ui)

    @cached_property
    def base(self) -> Base:
        """The kernel the series is made for."""
        return load_base(self.paths.patches / "bases.toml", self.choice.base)

    @cached_property
    def full_series(self) -> series.Series:
        """The series as patches/ has it."""
        return series.load(self.paths.patches / self.base.name)

    @cached_property
    def profile(self) -> Profile:
        """The chosen profile."""
        return find_profile(self.paths.kernel_config, self.choice.profile)

    @cached_property
    def source(self) -> Source:
        """The imported kernel."""
        self.need("source")
        found = obtain(self.choice.request, self.base, self.paths, self.ui)
        return found.beside() if self.choice.upto == series.BARE else found

    def apply(self, *, force: bool = False) -> str:
        """The branch with the series, checked out; returns its tip."""
        wanted = self.full_series.cut(self.choice.upto)
        if self.choice.upto == series.BARE:
            return branch.apply_beside(self.source, wanted, self.paths.selftests)
        return branch.apply(self.source, wanted, self.paths.selftests, self.ui, force=force)

    def commits(self) -> range_diff.Commits:
        """The series, applied."""
        return range_diff.Commits(self.source.git, self.source.base, self.apply())

    @cached_property
    def configured(self) -> Build:
        """The build folder with its .config."""
        self.need("source", "build")
        self.apply()
        build = Build.of(self.source, self.profile, self.paths)
        build.configure(self.ui)
        return build

    @cached_property
    def compiled(self) -> Build:
        """Kernel and modules."""
        build = self.configured
        build.compile(self.ui)
        return build

    @cached_property
    def built(self) -> Build:
        """Kernel, modules and kselftests."""
        self.need("source", "build", "selftests", *(["regress"] if self.profile.kselftests else []))
        build = self.compiled
        wanted = self.profile.kselftests or self.full_series.cut(self.choice.upto).kselftests
        build.install_selftests(wanted, self.ui)
        return build

    @property
    def image(self) -> Path:
        """The initramfs or the disk of what is built now, with all kselftests."""
        return self._image()

    def _image(self, only: str | None = None) -> Path:
        of_debian = self.profile.rootfs == DEBIAN
        self.need("source", "build", "selftests", "rootfs" if of_debian else "image")
        # A mutant can be in one of them.
        self.built.install_modules(self.ui)
        if of_debian:
            return make_rootfs(self.built, self.paths.scripts / "guest", self.paths.cache, self.ui)
        return make_image(self.built, self.paths.scripts / "guest", self.ui, only=only)

    @property
    def recipients_page(self) -> Path:
        """Where the notes say who gets which patch."""
        return self.paths.notes / recipients.PAGE

    def recipients(self) -> str:
        """What that page has to say."""
        self.apply()
        return recipients.page(self.source.git.top, self.full_series.files)

    def check_fops(self) -> Tally:
        """Hold every use of f_op in the tree with the series against the table of reasons."""
        self.need("source", "check")
        self.apply()
        tree = self.source.git.top
        rules = self.paths.scripts / "fops" / "fops.cocci"
        reasons = fops.load_reasons(self.paths.patches / self.base.name / "call-sites.toml")
        files = fops.candidates(self.source.git)
        uses = fops.scan(tree, files, rules, self.paths.out / "fops.json")
        self.ui.info(f"{len(uses)} uses of f_op in {len(files)} files")
        return fops.check(uses, reasons, self.ui)

    def _storms(self) -> Storms:
        self.need("source", "build", "selftests", "userspace")
        self.apply()
        return Storms(self.paths, self.source.git.top, self.ui)

    def check_userspace(self, programs: Sequence[Program]) -> Tally:
        """Build fs/revoke.c of the tree with the series as programs, and run them."""
        return self._storms().check(programs)

    def hunt_in_userspace(self) -> Tally:
        """Run those programs with each mutant of it or its header."""
        folders = (self.paths.patches / self.base.name, self.paths.userspace)
        found = mutants_of_core(folder / "mutants" for folder in folders)
        return self._storms().hunt(found)

    def check_harness(self) -> Tally:
        """Build the stress program for this machine, and run its own tests."""
        self.need("source", "build", "selftests", "harness")
        return harness.check(self.paths, self.ui)

    def check_models(self, names: Sequence[str] = ()) -> Tally:
        """Search the models of these names (all, for none), and with protections taken out."""
        self.need("build", "models")
        checks = models.load(self.paths.models / "models.toml", names)
        return models.run(checks, self.paths.models, self.paths.out / "models", self.ui)

    def chosen_mutants(self, names: Sequence[str]) -> list[mutants.Mutant]:
        """Those of the series that have these names; all, for none."""
        return mutants.find(self.paths.patches / self.base.name / "mutants", names)

    def hunt(self, found: Sequence[mutants.Mutant]) -> Tally:
        """Boot every one of these mutants and see whether it is noticed, when the series without
        them has been seen to pass."""
        self.ui.info(f"{len(found)} mutants")
        return mutants.hunt(found, self.source.git, self._rebuilt_run, self.ui)

    def prove_whole(self) -> None:
        """See the series pass in the way in which its mutants are tried."""
        mutants.prove_whole(self._rebuilt_run, self.ui)

    def bisect(self, lanes: Sequence[bisect_check.Lane], *, boot: bool) -> Outcome:
        """Build every patch in order, and see each part of the series pass its tests."""
        self.need("source", "build", "bisect")
        git, base, tip = self.source.git, self.source.base, self.apply()
        source = self.source.beside("bisect")

        def build(lane: bisect_check.Lane, folders: Sequence[str]) -> str:
            folder = self.paths.build(f"bisect-{lane.name}")
            made = Build(source, self.profile, folder, self.paths, lane.target)
            made.configure(self.ui)
            if lane.whole:
                made.compile(self.ui)
            else:
                made.compile_folders(folders, self.ui)
            return made.log.read_text("utf-8", "replace")

        walk = bisect_check.Walk(source.git, lanes, build, self.ui)
        patches = bisect_check.patches_of(git, base, tip)
        outcome = walk.go(base, patches, bisect_check.folders_of(git, base, tip))
        outcomes = [outcome, *(self._boots() if boot else ())]
        return max(outcomes, key=lambda one: one.severity)

    def _boots(self) -> Iterator[Outcome]:
        """Of the series up to each marker with the tests of that part, and of all of it."""
        for name in (*self.full_series.markers, ""):
            self.ui.banner(f"boot up to {name or 'the end'}")
            yield Pipeline(self.paths, replace(self.choice, upto=name), self.ui).run().outcome

    def compare_with_base(self) -> Outcome:
        """The kernel's own kselftests without and with the series."""
        chosen = replace(self.choice, profile="regress")
        kernels = {
            regress.BASE: Pipeline(self.paths, replace(chosen, upto=series.BARE), self.ui),
            regress.SERIES: Pipeline(self.paths, chosen, self.ui),
        }
        return regress.compare(lambda kernel: kernels[kernel].run(), self.ui)

    @property
    def cost_bounds(self) -> bounds.Bounds:
        """What measured figures are held against."""
        return bounds.load(self.paths.bench / "bounds.toml")

    @property
    def cost_baseline(self) -> Path:
        """What they were when that was saved."""
        return self.paths.bench / "baseline.json"

    def measure(self, boots: int) -> dict[str, Any]:
        """Instructions and sizes of both kernels, and their throughput in so many boots."""
        self.need(*deps.BENCH_PURPOSES)
        kernels = {
            results.BASE: self._bench_kernel(upto=series.BARE),
            results.SERIES: self._bench_kernel(upto=self.choice.upto),
        }
        files = {name: kernel.compiled.vmlinux for name, kernel in kernels.items()}
        tree = kernels[results.SERIES].source.git.top
        programs = measure.build_programs(self.paths, tree, self.ui)
        images = {name: kernel.image_with(programs) for name, kernel in kernels.items()}

        def boot(kernel: str, profile: str) -> RunResult:
            found = find_profile(self.paths.kernel_config, profile)
            return kernels[kernel].run_program(images[kernel], found)

        measurement = measure.Measurement(boot, self.ui)
        return {
            "schema": 1,
            "kernel": self.source.version,
            "compiler": measure.compiler(kernels[results.BASE].compiled.config),
            "count": measurement.counts(),
            "text": sizes.text_sizes(tree, files),
            "structs": {name: sizes.struct_sizes(file) for name, file in files.items()},
            "scale": measurement.speeds(boots),
            "commands": measurement.commands,
        }

    def bench(self, boots: int, *, keep: bool) -> None:
        """Measure, and write it down; `keep` makes it the baseline and puts it into the notes."""
        result = self.measure(boots)
        measure.write(result, self.cost_bounds, self.paths.out / "bench", self.ui)
        if keep:
            bounds.save_baseline(result, self.cost_baseline)
            content = measure.markdown(tables.all_tables(result, self.cost_bounds))
            measure.update_notes(self.paths.notes / "performance.md", content)

    def _bench_kernel(self, upto: str) -> Pipeline:
        choice = replace(self.choice, profile=measure.COUNT, upto=upto)
        return Pipeline(self.paths, choice, self.ui)

    def _rebuilt_run(self, mutant: mutants.Mutant | None) -> RunResult:
        pipeline = self.with_profile(mutant.profile) if mutant and mutant.profile else self
        pipeline.built.compile(self.ui)
        only = mutant.kselftest if mutant else None
        share = _MUTANT_SHARE if mutant else 1.0
        return pipeline.run(only=only, patience=_MUTANT_PATIENCE, share=share)

    def with_profile(self, profile: str) -> Pipeline:
        """The same with another profile."""
        return Pipeline(self.paths, replace(self.choice, profile=profile), self.ui)

    def run_stress(self, plan: stress.Plan) -> RunResult:
        """Run revoke-stress alone."""
        if self.profile.rootfs == DEBIAN or STRESS not in self.built.programs():
            raise KtError(
                f"PROFILE={self.profile.name} UPTO={self.choice.upto} does not run revoke-stress",
                hint="it takes an initramfs with all that the series converts",
            )
        return self.run(only=STRESS, plan=plan)

    def soak(self, plan: stress.Plan) -> Outcome:
        """Run it with all profiles in turn; each has its part of the time."""
        profiles = stress.SOAK_PROFILES
        share = replace(plan, duration_s=(plan.duration_s or 0) / len(profiles) or None)

        def run(profile: str) -> RunResult:
            return self.with_profile(profile).run_stress(share)

        return stress.soak(run, profiles, self.ui)

    @property
    def provenance(self) -> Provenance:
        """What the kernel is made from."""
        pure = branch.is_of_patches_alone(self.source)
        wanted = self.full_series.cut(self.choice.upto)
        return Provenance(
            origin=origin(),
            release=f"v{self.source.version}",
            commit=self.source.base_commit,
            upto=self.choice.upto,
            patchset_hash=wanted.patchset_hash if pure else None,
            compiler=self.compiled.compiler,
        )

    def run(
        self,
        *,
        shell: bool = False,
        only: str | None = None,
        plan: stress.Plan = stress.Plan(),
        patience: float = 1.0,
        share: float = 1.0,
    ) -> RunResult:
        """Boot the kernel: to a verdict, or to a prompt. `only` is the one kselftest to run, '' for
        none, `plan` what revoke-stress is to do; `patience` scales the deadlines for
        the next sign of life, `share` that for the whole run."""
        self.need(*deps.RUN_PURPOSES)
        image, profile = self._image(only), self.profile
        words = plan.words(profile)
        if only is not None:
            words += f" f_revoke.test={only}"
        if only == STRESS:
            words += plan.timeout_word()
        if profile.program:
            words = f" f_revoke.run={profile.program}"
        spec = self._spec(self.built, image, words + (" f_revoke.shell" if shell else ""))
        spec = replace(
            spec,
            boot_deadline_s=spec.boot_deadline_s * patience,
            silence_deadline_s=spec.silence_deadline_s * patience,
            total_deadline_s=spec.total_deadline_s * share + plan.extra_s(profile),
            expect_suites=self.built.expected_suites(only),
            interactive=shell,
        )
        return run_guest(spec, self.ui)

    def image_with(self, programs: Mapping[str, Path]) -> Path:
        """An initramfs with these programs, place there -> file here, and no kselftests."""
        self.need("source", "build", "image")
        self.compiled.install_modules(self.ui)
        return make_image(self.compiled, self.paths.scripts / "guest", self.ui, more=programs)

    def run_program(self, image: Path, profile: Profile) -> RunResult:
        """Boot the kernel as another profile of it says, to run that one's program."""
        build = replace(self.compiled, profile=profile)
        return run_guest(self._spec(build, image, f" f_revoke.run={profile.program}"), self.ui)

    def _spec(self, build: Build, image: Path, words: str) -> RunSpec:
        """What the build's profile says about a run; `words` come last on the kernel's command
        line."""
        profile = build.profile
        return RunSpec(
            profile=profile.name,
            provenance=self.provenance,
            vmlinux=build.vmlinux,
            userspace=image,
            config=build.config,
            append=profile.append + words,
            memory_mb=profile.memory_mb,
            cpus=profile.cpus,
            accel=self.choice.accel,
            runs_dir=self.paths.runs,
            boot_deadline_s=profile.boot_deadline_s,
            silence_deadline_s=profile.silence_deadline_s,
            total_deadline_s=profile.total_deadline_s,
            expect_suites=build.expected_suites(),
            icount=profile.icount,
        )
