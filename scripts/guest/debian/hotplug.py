#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Devices come and go while everything in /proc and /sys is read: that of Debian's userspace.

Runs in the guest, as a service. QEMU is told through a port, by QMP, what to plug in and pull. The
results leave as one KTAP document through another port, as those of the initramfs' init do.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

_PORTS = Path("/dev/virtio-ports")
_ROUNDS = 5
_PATIENCE_S = 120.0
# /proc/PID/fd/N is a link to what another process reads from.
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW
_MODULES = ("null_blk", "snd_dummy", "test_revoke", "gpio_sim")


class Failed(Exception):
    """A case did not go as it should; says why."""


class Qmp:
    """The monitor of the QEMU that this guest runs in."""

    def __init__(self) -> None:
        self._port = (_PORTS / "f_revoke.qmp").open("r+b", buffering=0)
        self._rest = b""
        self.execute("qmp_capabilities")

    def execute(self, command: str, **arguments: Any) -> Any:
        """What QEMU answers; Failed if it does not do it."""
        words = {"execute": command, "arguments": arguments}
        self._port.write(json.dumps(words).encode() + b"\n")
        for line in self._lines():
            answer = json.loads(line)
            if "error" in answer:
                raise Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def delete(self, device: str) -> None:
        """Have a device pulled, and wait until QEMU has let it go."""
        self.execute("device_del", id=device)
        await_true(lambda: device not in self._devices(), f"the end of {device}")

    def _devices(self) -> set[str]:
        listed = self.execute("qom-list", path="/machine/peripheral")
        return {entry["name"] for entry in listed}

    def _lines(self) -> Iterator[bytes]:
        while True:
            line, found, rest = self._rest.partition(b"\n")
            if found:
                self._rest = rest
                if line.strip():
                    yield line
                continue
            self._rest += os.read(self._port.fileno(), 4096)


def retry(action: Callable[[], object]) -> None:
    """Until it succeeds; if it does not for all the time that there is, Failed as it did last."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        try:
            action()
            return
        except Failed:
            if time.monotonic() > end:
                raise
        time.sleep(0.02)


def await_true(condition: Callable[[], bool], what: str) -> None:
    """Failed if it is not so for all the time that there is."""

    def check() -> None:
        if not condition():
            raise Failed(f"awaited in vain: {what}")

    retry(check)


def run(*words: str) -> str:
    """What a command prints; Failed with it if it does not succeed."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=_PATIENCE_S, check=False)
    if done.returncode != 0:
        raise Failed(f"{' '.join(words)}: {done.stdout}{done.stderr}".strip().replace("\n", "; "))
    return done.stdout


class Files:
    """What can be opened of some devices in sysfs."""

    def __init__(self) -> None:
        self._fds: dict[str, int] = {}

    def open_all(self, devices: Iterable[Path]) -> None:
        """Those that can be; Failed if there is none."""
        for device in devices:
            for folder, _, names in os.walk(device.resolve()):
                for name in names:
                    with suppress(OSError):
                        self._fds[f"{folder}/{name}"] = os.open(f"{folder}/{name}", _READ)
        if not self._fds:
            raise Failed("no file of the device can be opened")

    def check_ended(self) -> None:
        """Each says that there is no such device."""
        for name, fd in self._fds.items():
            try:
                os.pread(fd, 4096, 0)
            except OSError as error:
                if error.errno == errno.ENODEV:
                    continue
                raise Failed(f"{name} of a device that has gone: {error}") from error
            raise Failed(f"{name} of a device that has gone can be read")

    def close(self) -> None:
        """All of them."""
        for fd in self._fds.values():
            os.close(fd)


class Device:
    """One that is plugged in and pulled: its driver of QEMU and properties, where it is seen."""

    def __init__(self, driver: str, folder: str, disk: bool = False, **properties: Any) -> None:
        self.driver, self.folder, self.disk = driver, Path(folder), disk
        self.properties = properties

    @contextmanager
    def plugged(self, qmp: Qmp) -> Iterator[Callable[[], Iterable[Path]]]:
        """The block runs when it is there, and can ask where; after that nothing of it is left."""
        before = self._seen()
        if self.disk:
            qmp.execute(
                "blockdev-add", driver="null-co", **{"node-name": "nothing", "size": 1 << 26}
            )
        properties = self.properties | ({"drive": "nothing"} if self.disk else {})
        qmp.execute("device_add", driver=self.driver, id="plugged", **properties)
        try:
            await_true(lambda: self._seen() > before, f"{self.driver} in {self.folder}")
            # udev gives some of them another name.
            yield lambda: [self.folder / name for name in self._seen() - before]
        finally:
            qmp.delete("plugged")
        await_true(lambda: self._seen() == before, f"the end of {self.driver}")
        if self.disk:
            retry(lambda: qmp.execute("blockdev-del", **{"node-name": "nothing"}))

    def _seen(self) -> set[str]:
        return {entry.name for entry in self.folder.iterdir()} if self.folder.exists() else set()


# Two slots: what is in the first one is plugged and pulled, the other one has a bus for USB.
_BAY, _SCHOOL, _USB = "bay", "school", "usb.0"
_DEVICES = {
    "network": Device("e1000e", "/sys/class/net", bus=_BAY),
    "disk": Device("virtio-blk-pci", "/sys/block", disk=True, bus=_BAY),
    "edu": Device("edu", "/sys/bus/pci/devices", bus=_BAY),
    "usb_tablet": Device("usb-tablet", "/sys/class/input", bus=_USB),
    "usb_disk": Device("usb-storage", "/sys/block", disk=True, bus=_USB),
}


def pci_devices() -> set[str]:
    """Their names."""
    return {device.name for device in Path("/sys/bus/pci/devices").iterdir()}


def settle() -> None:
    """Wait for udev."""
    run("udevadm", "settle", f"--timeout={_PATIENCE_S:.0f}")


def empty_the_slots(qmp: Qmp) -> None:
    """What other tests have there goes, and a bus for USB comes."""
    for name in ("pluggable", "education"):
        qmp.delete(name)
    qmp.execute("device_add", driver="qemu-xhci", id="usb", bus=_SCHOOL)
    await_true(lambda: any(Path("/sys/bus/usb/devices").glob("usb*")), "a bus for USB")


def plug_and_pull(qmp: Qmp, device: Device) -> None:
    """Some times, at once, with udev still at work, and with all its files open; nothing of it is
    left behind."""
    before = pci_devices()
    for _ in range(_ROUNDS):
        with device.plugged(qmp):
            pass
        with closing(Files()) as files:
            with device.plugged(qmp) as entries:
                settle()
                files.open_all(entries())
            files.check_ended()
    if pci_devices() != before:
        raise Failed("there are not the PCI devices that there were before")


def load_and_unload(module: str) -> None:
    """Some times. Whoever reads its files may have one open, which keeps it for a moment."""
    for _ in range(_ROUNDS):
        run("modprobe", module)
        settle()
        retry(partial(run, "rmmod", module))


def check_system() -> None:
    """It is up, and no service has failed, not even for a moment."""
    run("systemctl", "is-active", "multi-user.target", "systemd-udevd.service")
    restarts = run("systemctl", "show", "*.service", "--property=NRestarts", "--value")
    if any(int(number) for number in restarts.split()):
        raise Failed("systemd has restarted a service")
    failed = run("systemctl", "list-units", "--failed", "--plain", "--no-legend").split("\n")
    names = [line.split()[0] for line in failed if line.strip()]
    if names:
        raise Failed(f"failed: {' '.join(names)}")


def waiting(command: str) -> str:
    """What the threads of a program and of those that it has started by its name wait for."""
    columns = ("--no-headers", "-eLo", "comm,tid,stat,wchan:32")
    threads = [line.split() for line in run("ps", *columns).splitlines()]
    return "; ".join(" ".join(words) for words in threads if words[0].startswith(command))


class Readers:
    """Tasks that read as long as a block runs; what each has done, and who did not end."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._done = {"files of /proc": 0, "files of /sys": 0, "lsof": 0, "events": 0}
        self._faults: list[str] = []

    @contextmanager
    def reading(self) -> Iterator[None]:
        """All of them, stress-ng and a listener of udev's."""
        tasks = {
            "files of /proc": threading.Thread(target=self._read, args=("/proc",), daemon=True),
            "files of /sys": threading.Thread(target=self._read, args=("/sys",), daemon=True),
            "lsof": threading.Thread(target=self._list_open_files, daemon=True),
        }
        with tempfile.TemporaryFile() as events:
            children = {
                "stress-ng": subprocess.Popen(
                    ["stress-ng", "--quiet", "--procfs", "1", "--sysfs", "1"]
                ),
                "udevadm": subprocess.Popen(["udevadm", "monitor", "--udev"], stdout=events),
            }
            for task in tasks.values():
                task.start()
            try:
                yield
                self._check_running(tasks, children)
            finally:
                self._stop.set()
                for child in children.values():
                    child.terminate()
                self._await(tasks, children)
            events.seek(0)
            self._done["events"] = sum(line.startswith(b"UDEV") for line in events)

    def check(self) -> None:
        """All have read, until they were told to end, and have ended."""
        idle = [f"{name}: none" for name, count in self._done.items() if count == 0]
        if idle or self._faults:
            raise Failed("; ".join(idle + self._faults))

    def __str__(self) -> str:
        return ", ".join(f"{name}: {count}" for name, count in self._done.items())

    def _check_running(
        self, tasks: dict[str, threading.Thread], children: dict[str, subprocess.Popen[bytes]]
    ) -> None:
        ended = [name for name, task in tasks.items() if not task.is_alive()]
        ended += [name for name, child in children.items() if child.poll() is not None]
        self._faults += [f"{name} ended early" for name in ended]

    def _await(
        self, tasks: dict[str, threading.Thread], children: dict[str, subprocess.Popen[bytes]]
    ) -> None:
        for name, task in tasks.items():
            task.join(_PATIENCE_S)
            if task.is_alive():
                self._faults.append(f"{name} does not end")
        for name, child in children.items():
            try:
                code = child.wait(_PATIENCE_S)
            except subprocess.TimeoutExpired:
                self._faults.append(f"{name} does not end: {waiting(name)}")
            else:
                if code not in (0, -signal.SIGTERM):
                    self._faults.append(f"{name} ended with {code}")

    def _read(self, top: str) -> None:
        """The beginning of each file below a folder, without waiting for any."""
        while not self._stop.is_set():
            for folder, _, names in os.walk(top):
                for name in names:
                    if self._stop.is_set():
                        return
                    self._done[f"files of {top}"] += _read_beginning(f"{folder}/{name}")

    def _list_open_files(self) -> None:
        while not self._stop.is_set():
            done = subprocess.run(["lsof", "-n"], capture_output=True, check=False)
            self._done["lsof"] += done.returncode >= 0 and bool(done.stdout)


def _read_beginning(file: str) -> bool:
    """Whether there was one to be read."""
    try:
        fd = os.open(file, _READ)
    except OSError:
        return False
    try:
        return len(os.read(fd, 4096)) > 0
    except OSError:
        return False
    finally:
        os.close(fd)


class Report:
    """The KTAP document."""

    def __init__(self, cases: int) -> None:
        port = os.open(_PORTS / "f_revoke.ktap", os.O_WRONLY)
        self._port = os.fdopen(port, "w", encoding="utf-8", buffering=1)
        self._number = 0
        self._failed = 0
        self._say(f"KTAP version 1\n1..1\n    KTAP version 1\n    1..{cases}")

    def case(self, name: str, body: Callable[[], None]) -> None:
        """One line of it, and a reason above it if the case fails."""
        self._number += 1
        word = "ok"
        try:
            body()
        except (Failed, OSError, subprocess.SubprocessError) as error:
            self.note(str(error))
            self._failed += 1
            word = "not ok"
        self._say(f"    {word} {self._number} {name}")

    def note(self, text: str) -> None:
        """A line about the next case."""
        self._say(f"    # {text}")

    def end(self) -> None:
        """After the last case."""
        self._say(f"{'not ok' if self._failed else 'ok'} 1 hotplug\n# f_revoke: done 1")

    def _say(self, text: str) -> None:
        self._port.write(f"{text}\n")


def main() -> int:
    """All cases."""
    # Until the ports are there.
    settle()
    report = Report(len(_DEVICES) + len(_MODULES) + 4)
    qmp = Qmp()
    readers = Readers()
    report.case("system_is_up", check_system)
    with readers.reading():
        report.case("slots", partial(empty_the_slots, qmp))
        for name, device in _DEVICES.items():
            report.case(name, partial(plug_and_pull, qmp, device))
        for module in _MODULES:
            report.case(f"module_{module}", partial(load_and_unload, module))
    report.note(str(readers))
    report.case("readers_end", readers.check)
    report.case("no_unit_failed", check_system)
    report.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
