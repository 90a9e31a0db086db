# SPDX-License-Identifier: GPL-2.0
"""The command line: verbs, their list, and errors without a traceback."""

import contextlib
import io
import re
import unittest

from ktlib import cli
from ktlib.outcome import Outcome
from ktlib.paths import Paths


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a call."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = cli.main(arguments)
        except SystemExit as leave:
            code = int(leave.code or 0)
    return code, out.getvalue(), err.getvalue()


class CommandLineTest(unittest.TestCase):
    def test_make_and_kt_have_the_same_verbs(self) -> None:
        makefile = (Paths.of_checkout().top / "Makefile").read_text()
        found = re.search(r"^VERBS := (.*)$", makefile, re.MULTILINE)
        self.assertIsNotNone(found)
        self.assertEqual(set(found[1].split() if found else []), set(cli.VERBS))

    def test_help_lists_every_verb(self) -> None:
        code, out, _ = run("help")
        self.assertEqual(code, 0)
        for name, verb in cli.VERBS.items():
            self.assertRegex(out, rf"(?m)^{name} +{re.escape(verb.about)}$")

    def test_user_errors_are_two_lines(self) -> None:
        code, _, err = run("config", "--kernel-src", "/", "--kernel-tarball", "/")
        self.assertEqual(code, Outcome.INFRA.exit_code)
        self.assertEqual(
            err, "error: both KERNEL_SRC and KERNEL_TARBALL are given\n   give one of them\n"
        )

    def test_what_other_bases_have_not(self) -> None:
        for name in (name for name, verb in cli.VERBS.items() if verb.default_base):
            code, _, err = run(name, "--base", "v6.12")
            self.assertEqual(code, Outcome.INFRA.exit_code)
            self.assertIn(f"error: {name} is about the default base alone\n", err)

    def test_what_takes_no_part_of_the_series(self) -> None:
        for name in (name for name, verb in cli.VERBS.items() if verb.whole_series):
            code, _, err = run(name, "--upto", "core")
            self.assertEqual(code, Outcome.INFRA.exit_code)
            self.assertIn(f"error: {name} takes all of the series\n", err)

    def test_root_of_another_profile(self) -> None:
        for profile, rootfs in (("debug", "debian"), ("debian", "initramfs")):
            code, _, err = run("image", "--profile", profile, "--rootfs", rootfs)
            self.assertEqual(code, Outcome.INFRA.exit_code)
            self.assertIn(f"error: the profile '{profile}' has no ROOTFS={rootfs}\n", err)

    def test_unknown_verb(self) -> None:
        code, _, err = run("dance")
        self.assertEqual(code, 2)
        self.assertIn("dance", err)
