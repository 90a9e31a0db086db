# SPDX-License-Identifier: GPL-2.0
"""The kernel source from Debian's archive, without a change to the machine's own apt.

The package lies in a suite that Debian 12 does not have configured. A private apt configuration,
sources list and state folder under the cache reach it; the mirror is the one the machine uses.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from ktlib import proc
from ktlib.bases import DebianSource
from ktlib.errors import KtError
from ktlib.ui import Ui

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_WAYS_OUT = """other ways to a source:
  KERNEL_SRC=<git tree or source folder>  a kernel of your own
  KERNEL_TARBALL=<file>                   linux-X.Y.Z.tar.xz, or the .tar.xz out of the package"""


def sha256(file: Path) -> str:
    """Hex digest of a file's content."""
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def mirror() -> str:
    """The address that this machine has Debian from."""
    layout = ["apt-get", "indextargets", "--format", "$(SITE) $(RELEASE) $(ORIGIN)"]
    return mirror_from(proc.output(layout))


def mirror_from(targets: str) -> str:
    """The address of Debian's main archive among 'SITE RELEASE ORIGIN' lines.

    The origin is missing as long as the machine's lists were never fetched; the security archive
    has an address of its own, which does not carry other suites.
    """
    lines = [line.split() for line in targets.splitlines()]
    known = [words for words in lines if len(words) >= 2 and "security" not in words[0] + words[1]]
    of_debian = [words[0] for words in known if words[2:] == ["Debian"]]
    unnamed = [words[0] for words in known if len(words) == 2]
    for address in of_debian + unnamed:
        return address.rstrip("/")
    raise KtError("no mirror of Debian in the machine's apt configuration", hint=_WAYS_OUT)


def fetch(source: DebianSource, cache: Path, ui: Ui) -> Path:
    """The package file, from the cache or from the mirror; checked against the pinned checksum.

    A newer version, when the pinned one is gone, is taken with a warning.
    """
    pinned = cache / source.deb_name
    if not pinned.exists():
        with ui.step(f"download {source.package} {source.version}"):
            pinned = _Apt(cache / "apt", source.suite).download(source, cache, ui)
    if pinned.name != source.deb_name:
        return pinned
    found = sha256(pinned)
    if found != source.deb_sha256:
        raise KtError(
            f"{pinned} is damaged or not what was pinned: sha256 {found}",
            hint=f"wanted {source.deb_sha256} (patches/bases.toml); delete it to fetch it anew",
        )
    return pinned


def fetch_newest(suite: str, package: str, cache: Path, ui: Ui) -> Path:
    """The newest version of a package, '' being the suites that the machine's own apt knows."""
    with ui.step(f"look for the newest {package}") as step:
        apt = _Apt(cache / "apt", suite)
        newest = cache / apt.newest(package)
        if not newest.exists():
            step.progress(f"download {newest.name}")
            apt.get(package, cache)
        step.result = newest.name
    return newest


def version_of(deb: Path) -> str:
    """The version in the name of a package file."""
    return deb.name.split("_")[1].replace("%3a", ":")


def unpack(deb: Path, package: str, target: Path) -> None:
    """Write the source tarball that is inside the package to `target`."""
    inside = f"./usr/src/{package}.tar.xz"
    with target.open("wb") as tarball:
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as outer:
            inner = subprocess.run(
                ["tar", "--extract", "--to-stdout", inside],
                stdin=outer.stdout,
                stdout=tarball,
            )
    if inner.returncode != 0:
        raise KtError(f"{deb} holds no {inside}", hint=f"delete {deb}")


class _Apt:
    """apt with configuration, lists and cache of its own under `folder`, for one suite; for the
    suite '' it is the machine's, with its lists as they are."""

    def __init__(self, folder: Path, suite: str) -> None:
        self._folder = folder
        self._suite = suite
        self._config = folder / "apt.conf"

    def download(self, source: DebianSource, target: Path, ui: Ui) -> Path:
        """Fetch the pinned version, or the newest of the suite, into `target`."""
        self._update()
        for wanted in (f"{source.package}={source.version}", source.package):
            if self._try("download", wanted, cwd=target):
                break
            ui.warn(f"{source.suite or 'apt'} has no {wanted}")
        else:
            raise KtError(f"{source.package} is not to be had", hint=self._ways_out)
        return max(target.glob(f"{source.package}_*_all.deb"), key=lambda deb: deb.stat().st_ctime)

    def newest(self, package: str) -> str:
        """File name of the newest version."""
        self._update()
        # One line: address in quotes, name, size, checksum.
        words = self._call("download", "--print-uris", package).split()
        if len(words) < 2:
            raise KtError(f"apt does not say where {package} is", hint=self._ways_out)
        return words[1]

    def get(self, package: str, target: Path) -> None:
        """Fetch the newest version into `target`."""
        self._call("download", package, cwd=target)

    @property
    def _ways_out(self) -> str:
        return _WAYS_OUT if self._suite else f"apt-get update may help; {_WAYS_OUT}"

    def _update(self) -> None:
        if self._suite:
            self._prepare()
            self._call("update")

    def _prepare(self) -> None:
        if not _KEYRING.exists():
            raise KtError(f"{_KEYRING} is missing", hint="apt-get install debian-archive-keyring")
        for name in ("lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        sources = self._folder / "sources.list"
        sources.write_text(f"deb [signed-by={_KEYRING}] {mirror()} {self._suite} main\n")
        settings = {
            "Dir::Etc::SourceList": sources,
            "Dir::Etc::SourceParts": "/dev/null",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::Cache": self._folder / "cache",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        if os.geteuid() == 0:
            settings["APT::Sandbox::User"] = "root"
        lines = [f'{name} "{value}";' for name, value in settings.items()]
        hooks = ["#clear APT::Update::Post-Invoke;", "#clear APT::Update::Post-Invoke-Success;"]
        self._config.write_text("\n".join([*hooks, *lines]) + "\n")

    def _command(self, *words: str) -> list[str | Path]:
        command: list[str | Path] = ["apt-get", "--quiet", "--quiet"]
        if self._suite:
            command += ["--config-file", self._config]
        return [*command, *words]

    def _call(self, *words: str, cwd: Path | None = None) -> str:
        try:
            return proc.output(self._command(*words), cwd=cwd)
        except KtError as error:
            raise KtError(str(error), hint=f"{error.hint}\n{_WAYS_OUT}") from error

    def _try(self, *words: str, cwd: Path) -> bool:
        return proc.capture(self._command(*words), cwd=cwd).returncode == 0
