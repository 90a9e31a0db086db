# SPDX-License-Identifier: GPL-2.0
"""Configuring and building a kernel, its modules and its kselftests out of tree.

make decides what has to be built; nothing here touches a file whose content stays the same. Build
time, user and host are fixed, so that ccache hits and equal sources give equal kernels.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from ktlib import kconfig, proc
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from ktlib.paths import Paths
from ktlib.scenarios import Profile
from ktlib.source import Source
from ktlib.ui import Ui

_COMPILED = re.compile(r"^  (?:CC|CXX|LD|AR|AS|HOSTCC)\b")
_ERROR = re.compile(r"error[: ]|undefined reference|^make.*\*\*\*|No space left", re.IGNORECASE)
_ERRORS_SHOWN = 12
_WANTED_FILE = "f_revoke.config"
# Debian's sparse does not know the word; without it the kernel's makefiles would leave sparse out.
_SPARSE = "sparse -D__typeof_unqual__=__typeof__"
STRESS = "revoke_stress:revoke-stress"
"""The stress program, as a kselftest."""


@dataclass(frozen=True)
class Target:
    """What a kernel is built for and by: an architecture and the prefix of its compiler; `goal` is
    Kconfig's, in place of a profile's options."""

    arch: str = "x86_64"
    cross: str = ""
    goal: str = ""

    @property
    def compiler(self) -> str:
        """The program."""
        return f"{self.cross}gcc"


@dataclass(frozen=True)
class Build:
    """One O= folder: a source built in a profile."""

    source: Source
    profile: Profile
    folder: Path
    paths: Paths
    target: Target = Target()

    @classmethod
    def of(cls, source: Source, profile: Profile, paths: Paths) -> Build:
        """The build folder that belongs to a source and a profile."""
        return cls(source, profile, paths.build(source.build_key(profile.kernel)), paths)

    @property
    def vmlinux(self) -> Path:
        """The kernel as QEMU boots it."""
        return self.folder / "vmlinux"

    @property
    def config(self) -> Path:
        """The configuration that Kconfig made."""
        return self.folder / ".config"

    @property
    def compiler(self) -> str:
        """Name and version of the compiler, as Kconfig found them."""
        config = kconfig.parse(self.config.read_text("utf-8"), str(self.config))
        return config["CC_VERSION_TEXT"].strip('"')

    @property
    def kselftests(self) -> Path:
        """Where the kernel's own install of the selftests goes."""
        return self.folder / "kselftest-install"

    @property
    def log(self) -> Path:
        """Output of the last build."""
        return self.folder / "build.log"

    @property
    def modules(self) -> Path:
        """What the kernel's own install of the modules puts into /, with what modprobe reads."""
        return self.folder / "modules-install"

    def selftest_targets(self) -> list[str]:
        """Folders of selftests/ that the checked out tree has, or those that the profile names."""
        if self.profile.kselftests:
            return sorted({pattern.split(":")[0] for pattern in self.profile.kselftests})
        if not self.paths.selftests.is_dir():
            return []
        inside = self.source.git.top / "tools/testing/selftests"
        ours = sorted(child.name for child in self.paths.selftests.iterdir() if child.is_dir())
        return [name for name in ours if (inside / name / "Makefile").is_file()]

    def expected_suites(self, only: str | None = None) -> tuple[str, ...]:
        """Names of the KTAP suites without which a run of this build is not whole; `only` is the
        one kselftest that is run, '' for none."""
        config = kconfig.parse(self.config.read_text("utf-8"), str(self.config))
        kunit = [
            suite
            for suite, option in self.profile.kunit_suites.items()
            if config.get(option, "n") != "n"
        ]
        if self.profile.program:
            return (*kunit, Path(self.profile.program).name)
        programs = self.programs() if only is None else [only] if only else []
        return (*kunit, *(f"kselftest.{name.replace(':', '.')}" for name in programs))

    def programs(self) -> list[str]:
        """The installed kselftests that a run runs, as folder:program."""
        return self._listed.read_text("utf-8").split() if self._listed.exists() else []

    @property
    def _listed(self) -> Path:
        return self.kselftests / "kselftest-list.txt"

    def configure(self, ui: Ui) -> None:
        """Make .config from the profile's fragments; an unchanged one keeps its time."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)
        if self.target.goal:
            self._make(self.target.goal)
            return
        with ui.step(f"configure {self.profile.kernel}") as step:
            wanted = kconfig.merged(self.profile.fragments)
            wanted |= self._series_options(ui)
            wanted = kconfig.replaced(wanted, self.source.instead)
            wanted_file = self.folder / _WANTED_FILE
            wanted_file.write_text(kconfig.rendered(wanted))
            self._make("allnoconfig", env={"KCONFIG_ALLCONFIG": str(wanted_file)})
            kconfig.require(wanted, self.config)
            step.result = f"{len(wanted)} options asked for, all set"

    def compile(self, ui: Ui) -> None:
        """Build vmlinux and the modules."""
        with ui.step(f"build Linux {self.source.version}, {self.profile.kernel}") as step:
            built = _Progress()
            self._make("vmlinux", "modules", on_line=lambda line: step.progress(built.see(line)))
            step.result = built.summary

    def compile_folders(self, folders: Sequence[str], ui: Ui) -> None:
        """Build what the configuration takes from these folders, with the warnings of W=1 and of
        sparse."""
        with ui.step(f"build {len(folders)} folders, {self.folder.name}") as step:
            built = _Progress()
            self._make(
                *("W=1", "C=1", f"CHECK={_SPARSE}", *(f"{folder}/" for folder in folders)),
                on_line=lambda line: step.progress(built.see(line)),
            )
            step.result = built.summary

    def install_modules(self, ui: Ui) -> None:
        """Install the modules, without debug information, with the kernel's own rules."""
        with ui.step("install modules") as step:
            shutil.rmtree(self.modules, ignore_errors=True)
            self._make("modules_install", f"INSTALL_MOD_PATH={self.modules}", "INSTALL_MOD_STRIP=1")
            step.result = f"{len(list(self.modules.rglob('*.ko')))} modules"

    def install_selftests(self, wanted: Sequence[str], ui: Ui) -> None:
        """Build the kselftests and install them with the kernel's own rules; those of the patterns
        `wanted`, of "folder:program", will be run."""
        targets = self.selftest_targets()
        if not targets:
            ui.info("the tree has none of our selftests: nothing to install")
            shutil.rmtree(self.kselftests, ignore_errors=True)
            return
        with ui.step(f"build kselftests: {' '.join(targets)}") as step:
            built = _Progress()
            shutil.rmtree(self.kselftests, ignore_errors=True)
            self._make("headers")
            self._make(
                "-C",
                str(self.source.git.top / "tools/testing/selftests"),
                "install",
                f"TARGETS={' '.join(targets)}",
                "FORCE_TARGETS=1",
                f"INSTALL_PATH={self.kselftests}",
                self._headers,
                env={"LDFLAGS": "-static"},  # the guest has no shared libraries
                on_line=lambda line: step.progress(built.see(line)),
                at_top=False,
            )
            if not self.profile.kselftests:
                self._install_stress(lambda line: step.progress(built.see(line)))
            step.result = f"{self._choose_programs(wanted)} programs to run"

    def _install_stress(self, on_line: proc.OnLine) -> None:
        """Add revoke-stress, which is no part of the series, to the list of kselftests."""
        output = self.folder / "revoke_stress"
        output.mkdir(exist_ok=True)
        self._make(
            *("-C", str(self.paths.top / "harness"), "-f", "Makefile.kselftest", "install"),
            f"KSELFTEST={self.source.git.top}/tools/testing/selftests",
            f"OUTPUT={output}",
            f"INSTALL_PATH={self.kselftests / output.name}",
            self._headers,
            on_line=on_line,
            at_top=False,
        )
        with self._listed.open("a") as listed:
            listed.write(f"{STRESS}\n")

    @property
    def _headers(self) -> str:
        return f"KHDR_INCLUDES=-isystem {self.folder}/usr/include"

    def _choose_programs(self, wanted: Sequence[str]) -> int:
        """Have those run that are wanted; with none of them there is nothing to install."""
        programs = self.programs()
        for pattern in self.profile.kselftests:
            if not any(fnmatchcase(name, pattern) for name in programs):
                raise KtError(
                    f"no kselftest is called {pattern}",
                    hint="see the profile's kselftests in kernel-config/scenarios.toml",
                )
        chosen = [
            name for name in programs if any(fnmatchcase(name, pattern) for pattern in wanted)
        ]
        self._listed.write_text("".join(f"{name}\n" for name in chosen))
        if not chosen:
            shutil.rmtree(self.kselftests)
        return len(chosen)

    def _series_options(self, ui: Ui) -> dict[str, str]:
        """Options of the series that the tree defines; a part of the series lacks some."""
        asked = kconfig.merged(self.profile.series_fragments)
        known = kconfig.defined(asked, _kconfig_texts(self.source.git))
        for option in sorted(asked.keys() - known):
            ui.info(f"CONFIG_{option} is not in this tree: left out")
        return {option: value for option, value in asked.items() if option in known}

    def _make(
        self,
        *words: str,
        env: dict[str, str] | None = None,
        on_line: proc.OnLine = proc.ignore,
        at_top: bool = True,
    ) -> None:
        command = ["make", f"-j{len(os.sched_getaffinity(0))}", f"O={self.folder}"]
        command += [f"ARCH={self.target.arch}"]
        command += [f"CROSS_COMPILE={self.target.cross}"] if self.target.cross else []
        command += [*_compilers(self.target), "LOCALVERSION="]
        command += ["-C", str(self.source.git.top), *words] if at_top else list(words)
        environment = proc.clean_env({**self._fixed_env(), **(env or {})})
        start = self.log.stat().st_size if self.log.exists() else 0
        code = proc.follow(command, log=self.log, on_line=on_line, env=environment)
        if code != 0:
            with self.log.open(errors="replace") as log:
                log.seek(start)
                lines = log.read().splitlines()
            errors = [line for line in lines if _ERROR.search(line)] or lines
            raise KtError(
                f"the build of {self.profile.name} failed; all of it is in {self.log}",
                hint="\n".join(errors[:_ERRORS_SHOWN]),
                outcome=Outcome.BUILD_FAIL,
            )

    def _fixed_env(self) -> dict[str, str]:
        return {
            "KBUILD_BUILD_TIMESTAMP": "Thu Jan  1 00:00:00 UTC 1970",
            "KBUILD_BUILD_USER": "f_revoke",
            "KBUILD_BUILD_HOST": "f_revoke",
            "KBUILD_BUILD_VERSION": "1",
            "CCACHE_DIR": str(self.paths.cache / "ccache"),
            # Checkouts at different places share what they compiled.
            "CCACHE_BASEDIR": str(self.paths.top),
            "CCACHE_NOHASHDIR": "1",
        }


class _Progress:
    """Counts what a build compiles and says where it is."""

    def __init__(self) -> None:
        self.count = 0

    def see(self, line: str) -> str:
        """Take note of a line; returns what to show."""
        if _COMPILED.match(line):
            self.count += 1
        return f"{self.count} files, {line.strip()}"

    @property
    def summary(self) -> str:
        """What was done in the end."""
        return f"{self.count} files built" if self.count else "nothing to do"


def _compilers(target: Target) -> list[str]:
    ccache = "" if shutil.which("ccache") is None else "ccache "
    return [f"CC={ccache}{target.compiler}", f"CXX={ccache}{target.cross}g++"]


def count_compiled(log: str) -> int:
    """How many files a build compiled, by its log."""
    return sum(bool(_COMPILED.match(line)) for line in log.splitlines())


def _kconfig_texts(git: Git) -> list[str]:
    names = git.call("ls-files", "*Kconfig*").splitlines()
    files = [git.top / name for name in names]
    return [file.read_text("utf-8", "replace") for file in files if file.is_file()]
