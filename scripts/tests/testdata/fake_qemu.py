#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Stands in for QEMU: the word fake=<name> of the guest's command line says how to behave."""

import re
import signal
import sys
import time
from pathlib import Path

GOOD = """KTAP version 1
1..2
    KTAP version 1
    # Subtest: revoke
    1..2
    ok 1 open
    ok 2 close
ok 1 revoke
  TAP version 13
  1..1
  # selftests: revoke: proc_io
  # TAP version 13
  # 1..2
  # ok 1 read before removal
  # ok 2 read after removal
  ok 1 selftests: revoke: proc_io
ok 2 kselftest
"""
TOKEN = "# f_revoke: done 2\n"
OOPS = """[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000
[    1.0] Oops: Oops: 0002 [#1] SMP NOPTI
[    1.0] RIP: 0010:zoo_null+0x0/0x10
[    1.0] Call Trace:
[    1.0]  <TASK>
[    1.0]  provoke+0x42/0x80
[    1.0]  </TASK>
[    1.0] ---[ end trace 0000000000000000 ]---
[    1.0] Kernel panic - not syncing: Fatal exception
"""
BREAKPOINT = OOPS.replace(OOPS.splitlines(True)[0], "").replace(
    "Oops: Oops: 0002", "Oops: int3: 0000"
)


class Machine:
    """The two channels, and one method for each way to behave."""

    def __init__(self, arguments: str) -> None:
        self._arguments = arguments
        self.console = self._open("console")
        self.ktap = self._open("ktap")

    def _open(self, name: str) -> Path:
        found = re.search(rf"id={name},.*?(?:path|logfile)=(\S+)", self._arguments)
        path = Path(found.group(1) if found else "/dev/null")
        path.write_text("")
        return path

    def say(self, path: Path, text: str) -> None:
        """Write without delay."""
        with path.open("a") as out:
            out.write(text)

    def good(self) -> None:
        """A run as it should be."""
        self.say(self.console, "Linux version 7.3.4\n")
        self.say(self.ktap, GOOD + TOKEN)

    def breakpoint(self) -> None:
        """A breakpoint that nobody set."""
        self.say(self.console, BREAKPOINT)

    def breakpoint_once(self) -> None:
        """The same, but only for the first run of all."""
        if len(list(Path.cwd().parent.iterdir())) > 2:
            self.good()
        else:
            self.breakpoint()

    def fails(self) -> None:
        """One test fails."""
        self.say(self.console, "Linux version 7.3.4\n")
        text = GOOD.replace("    ok 2 close", "    # expected 1, got 2\n    not ok 2 close")
        self.say(self.ktap, text.replace("ok 1 revoke", "not ok 1 revoke") + TOKEN)

    def empty(self) -> None:
        """A complete document that has no test."""
        self.say(self.console, "Linux version 7.3.4\n")
        self.say(self.ktap, "KTAP version 1\n1..0\n# f_revoke: done 0\n")

    def hang(self) -> None:
        """Silence in the middle of the tests; SIGTERM does not help."""
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self.say(self.console, "Linux version 7.3.4\n")
        self.say(self.ktap, GOOD[: len(GOOD) // 2])
        time.sleep(60)

    def endless(self) -> None:
        """Never silent, never done."""
        self.say(self.console, "Linux version 7.3.4\n")
        self.say(self.ktap, "KTAP version 1\n1..1\n")
        while True:
            self.say(self.console, "still here\n")
            time.sleep(0.1)

    def flood(self) -> None:
        """Writes as fast as it can."""
        self.say(self.ktap, "KTAP version 1\n")
        while True:
            self.say(self.console, "all work and no play\n" * 10000)

    def panic(self) -> None:
        """An oops, and QEMU goes on."""
        self.say(self.ktap, GOOD[: len(GOOD) // 2])
        self.say(self.console, OOPS)
        time.sleep(60)

    def panic_exit(self) -> None:
        """An oops, and QEMU ends as if all were well."""
        self.say(self.ktap, GOOD[: len(GOOD) // 2])
        self.say(self.console, OOPS)

    def lost(self) -> None:
        """Ends early, in the middle of a line."""
        self.say(self.console, "Linux version 7.3.4\nhalf a li")
        self.say(self.ktap, GOOD[:150])

    def mute(self) -> None:
        """Not a byte."""
        time.sleep(60)

    def no_init(self) -> None:
        """A kernel that boots, an init that never opens the port."""
        self.say(self.console, "Linux version 7.3.4\n")
        time.sleep(60)

    def broken(self) -> None:
        """QEMU itself does not work."""
        sys.exit("qemu-system-x86_64: -initrd: no such thing")

    def kvm_mute(self) -> None:
        """Works, but not with KVM."""
        if "-accel kvm" in self._arguments:
            self.mute()
        self.good()


def main() -> None:
    """Behave as told; the probe of the accelerator always works."""
    arguments = " ".join(sys.argv[1:])
    if "--version" in arguments:
        print("QEMU emulator version 0.0 (fake)")
    elif "isa-debug-exit" in arguments:
        sys.exit(0x21)
    else:
        found = re.search(r"fake=(\w+)", arguments)
        getattr(Machine(arguments), found.group(1) if found else "good")()


if __name__ == "__main__":
    main()
