# SPDX-License-Identifier: GPL-2.0
"""Which accelerator works here, and how fast this machine is with it.

/dev/kvm may be there, open, and then abort or hang QEMU. So KVM is believed only after it has run
a guest of a few instructions, on the same machine type and CPU as the real run. What was found is
cached for this QEMU, kernel and CPU; the speed is measured anew each time, as load changes it.
"""

from __future__ import annotations

import json
import os
import platform
import re
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from ktlib import qemu
from ktlib.errors import KtError

CHOICES = ("auto", "tcg", "kvm")

_KVM = Path("/dev/kvm")
_PROBE_DEADLINE_S = 10.0
_PROBE_ROUNDS = 200_000_000
_REFERENCE_S = 0.5
_SLOWEST = 10.0
_EXIT_PORT = 0xF4
_EXIT_VALUE = 0x10
_EXIT_CODE = _EXIT_VALUE << 1 | 1


@dataclass(frozen=True)
class Accel:
    """An accelerator: `why_not_kvm` is '' unless KVM was wanted and does not work;
    `slowness` >= 1 stretches deadlines."""

    name: str
    why_not_kvm: str = ""
    slowness: float = 1.0

    def __str__(self) -> str:
        reason = f" (kvm: {self.why_not_kvm})" if self.why_not_kvm else ""
        slow = f", {self.slowness:.1f} times slower than usual" if self.slowness >= 1.5 else ""
        return f"{self.name}{reason}{slow}"


@dataclass(frozen=True)
class Probe:
    """A tiny guest's fate: `fault` is '' when it ran to its end, which took `seconds`."""

    fault: str
    seconds: float


def choose(wanted: str, cache: Verdicts) -> Accel:
    """The accelerator for a run; `wanted` is one of CHOICES."""
    if wanted not in CHOICES:
        raise KtError(f"no accelerator '{wanted}'", hint=f"one of {', '.join(CHOICES)}")
    if wanted == "kvm":
        return Accel("kvm")
    fault = _kvm_fault(cache) if wanted == "auto" else ""
    if wanted == "auto" and not fault:
        return Accel("kvm")
    return emulation(fault)


def emulation(why_not_kvm: str = "") -> Accel:
    """TCG, with its speed measured; KtError when not even that runs."""
    found = probe("tcg")
    if found.fault:
        raise KtError(f"QEMU does not work here: {found.fault}", hint=f"try: {qemu.QEMU} -version")
    slowness = min(max(found.seconds / _REFERENCE_S, 1.0), _SLOWEST)
    return Accel("tcg", why_not_kvm, round(slowness, 2))


class Verdicts:
    """What is known about KVM, kept in a file. The key changes with everything that matters."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._key = " / ".join((_qemu_version(), platform.release(), _cpu_model()))

    def fault(self) -> str | None:
        """Why KVM does not work, '' if it does, None if nobody has tried."""
        known = self._known().get(self._key)
        return known if isinstance(known, str) else None

    def keep(self, fault: str) -> None:
        """Remember for the next run."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**self._known(), self._key: fault}, indent=2) + "\n"
        unfinished = self._file.with_suffix(".tmp")
        unfinished.write_text(text)
        unfinished.replace(self._file)

    def _known(self) -> dict[str, object]:
        try:
            known = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}


def probe(accel: str) -> Probe:
    """Boot the tiny guest."""
    with tempfile.TemporaryDirectory(prefix="f_revoke-probe-") as name:
        folder = Path(name)
        (folder / "probe.elf").write_bytes(tiny_kernel(_PROBE_ROUNDS))
        words = [
            *qemu.machine(accel, cpus=2, memory_mb=128),
            *("-kernel", "probe.elf", "-device", f"isa-debug-exit,iobase={_EXIT_PORT},iosize=1"),
        ]
        start = time.monotonic()
        with qemu.running(words, folder) as child:
            try:
                code = child.wait(_PROBE_DEADLINE_S)
            except subprocess.TimeoutExpired:
                return Probe(f"a tiny guest hung for {_PROBE_DEADLINE_S:.0f} s", _PROBE_DEADLINE_S)
        seconds = time.monotonic() - start
        if code == _EXIT_CODE:
            return Probe("", seconds)
        said = qemu.complaint(folder)
        end = "QEMU aborted" if code < 0 else f"QEMU ended with {code}"
        return Probe(f"{end}: {said}" if said else end, seconds)


def tiny_kernel(rounds: int) -> bytes:
    """A 64-bit ELF file with a PVH entry that counts down from `rounds` and ends QEMU."""
    code = (
        b"\xb9" + struct.pack("<I", rounds)  # mov ecx, rounds
        + b"\x49\x75\xfd"  # 1: dec ecx; jnz 1b
        + b"\x66\xba" + struct.pack("<H", _EXIT_PORT)  # mov dx, port
        + b"\xb0" + bytes([_EXIT_VALUE])  # mov al, value
        + b"\xee"  # out dx, al
        + b"\xf4\xeb\xfd"  # 1: hlt; jmp 1b
    )  # fmt: skip
    load_at = 0x100000
    headers = 64 + 2 * 56
    # Xen's PHYS32_ENTRY note: where to start in 32-bit mode, paging off.
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen", load_at + headers + 24)
    size = headers + len(note) + len(code)
    identity = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    ehdr = struct.pack(
        "<16sHHIQQQIHHHHHH", identity, 2, 62, 1, load_at, 64, 0, 0, 64, 56, 2, 64, 0, 0
    )
    load = struct.pack("<IIQQQQQQ", 1, 7, 0, load_at, load_at, size, size, 0x1000)
    at_note = load_at + headers
    notes = struct.pack("<IIQQQQQQ", 4, 4, headers, at_note, at_note, len(note), len(note), 4)
    return ehdr + load + notes + note + code


def _kvm_fault(cache: Verdicts) -> str:
    if not _KVM.exists():
        return f"no {_KVM}"
    if not os.access(_KVM, os.R_OK | os.W_OK):
        return f"no permission for {_KVM}"
    fault = cache.fault()
    if fault is None:
        fault = probe("kvm").fault
        cache.keep(fault)
    return fault


def _qemu_version() -> str:
    try:
        done = subprocess.run([qemu.QEMU, "--version"], capture_output=True, text=True)
    except OSError as error:
        raise KtError(f"cannot start QEMU: {error}", hint="kt deps") from error
    return done.stdout.partition("\n")[0]


def _cpu_model() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1) if found else platform.machine()
