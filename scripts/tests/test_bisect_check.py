# SPDX-License-Identifier: GPL-2.0
"""Every patch in order, on a kernel of a few files and a compiler that reads its comments."""

from collections.abc import Sequence
from pathlib import Path
from unittest import mock

from ktlib import bisect_check
from ktlib.bisect_check import Lane, Walk
from ktlib.errors import KtError
from ktlib.git import Git
from ktlib.outcome import Outcome
from tests.test_tree import TreeCase

LANES = (Lane("kernel", whole=True), Lane("warnings"))
PATCHES = {
    "fs: good": "int good;\n",
    "fs: warn": "int good;\n// WARN unused\n",
    "fs: break": "int good;\n// WARN unused\n// BREAK no type\n",
    "fs: mend": "int good;\n// WARN unused\nint more;\n",
}


class WalkTest(TreeCase):
    def setUp(self) -> None:
        super().setUp()
        self.write(self.kernel / "fs/a.c", "int old;\n// WARN old\n")
        self.built: list[tuple[str, tuple[str, ...]]] = []

    def build(self, lane: Lane, folders: Sequence[str]) -> str:
        """Both lanes see errors, one of them warnings."""
        self.built.append((lane.name, tuple(folders)))
        lines = []
        for file in sorted(self.tree.top.glob("fs/*.c")):
            lines.append(f"  CC      fs/{file.stem}.o")
            for number, line in enumerate(file.read_text().splitlines(), start=1):
                what, _, text = line.removeprefix("// ").partition(" ")
                if what == "BREAK":
                    raise KtError("no kernel", hint=text, outcome=Outcome.BUILD_FAIL)
                if what == "WARN" and not lane.whole:
                    lines.append(
                        f"../{self.tree.top.name}/fs/{file.name}:{number}:1: warning: {text}"
                    )
        return "\n".join(lines)

    def walk(self, patches: dict[str, str]) -> tuple[Outcome, Walk]:
        source = self.source()
        self.apply(source)
        for title, text in patches.items():
            self.commit(source, "fs/new.c", text, title)
        tip = source.git.commit_of("HEAD") or ""
        self.tree = source.beside("bisect").git
        walk = Walk(self.tree, LANES, self.build, self.ui)
        named = bisect_check.patches_of(source.git, source.base, tip)
        folders = bisect_check.folders_of(source.git, source.base, tip)
        return walk.go(source.base, named, folders), walk

    def test_all_that_can_be(self) -> None:
        outcome, walk = self.walk(PATCHES)
        self.assertIs(outcome, Outcome.BUILD_FAIL)
        names = [patch.name for patch, _ in walk.rows]
        self.assertEqual(names[:2], ["without the series", "0001 fs: good"])
        self.assertEqual(
            [[bool(step.fresh) for step in steps] for _, steps in walk.rows],
            [[False, False], [False, False], [False, True], [False, False], [False, False]],
        )
        self.assertEqual(walk.rows[2][1][1].fresh, ("fs/new.c: warning: unused",))
        self.assertEqual([bool(step.fault) for _, (step, _) in walk.rows], [0, 0, 0, 1, 0])
        text = self.printed.getvalue()
        self.assertIn("== 0003 fs: break\n   no kernel\n   no type\n", text)
        self.assertIn("4 patches in 2 lanes: 2 do not build, 1 warn; 0 minutes\n", text)

    def test_a_warning_of_old_is_none(self) -> None:
        outcome, walk = self.walk({"fs: good": PATCHES["fs: good"]})
        self.assertIs(outcome, Outcome.PASS)
        self.assertEqual(str(walk.rows[1][1][0]), "0 s, 3 files")

    def test_a_warning_alone_fails(self) -> None:
        self.assertIs(self.walk({"fs: warn": PATCHES["fs: warn"]})[0], Outcome.FAIL)

    def test_the_base_has_to_build(self) -> None:
        self.write(self.kernel / "fs/b.c", "// BREAK at once\n")
        with self.assertRaisesRegex(KtError, "no kernel"):
            self.walk({"fs: good": "int good;\n"})

    def test_a_machine_at_fault_is_not_the_patch(self) -> None:
        def full(_lane: Lane, _folders: Sequence[str]) -> str:
            raise KtError("the disk is full")

        with mock.patch.object(self, "build", full), self.assertRaisesRegex(KtError, "disk"):
            self.walk({"fs: good": "int good;\n"})

    def test_folders_that_a_patch_makes(self) -> None:
        source = self.source()
        self.apply(source)
        self.commit(source, "lib/new/x.c", "int x;\n", "lib: new")
        self.commit(source, "tools/x.c", "int x;\n", "tools: new")
        self.commit(source, "fs/tests/y.c", "int y;\n", "fs: test")
        self.commit(source, "fs/a.c", "int y;\n", "fs: a")
        tip = source.git.commit_of("HEAD") or ""
        folders = bisect_check.folders_of(source.git, source.base, tip)
        self.assertEqual(folders, ["fs", "lib/new"])
        self.tree = Git(source.beside("bisect").git.top)
        patches = bisect_check.patches_of(source.git, source.base, tip)
        Walk(self.tree, LANES[1:], self.build, self.ui).go(source.base, patches, folders)
        seen = [folders for _, folders in self.built]
        self.assertEqual(seen[:2], [("fs",), ("fs", "lib/new")])


class FormTest(TreeCase):
    def test_warnings(self) -> None:
        log = """\
  CC      fs/a.o
../../src/linux-7.3-bisect/fs/a.c:12:3: warning: unused [-Wunused]
/x/linux-7.3-bisect/fs/a.c:44:3: error: bad type
/x/linux-7.3-bisect/fs/a.c:44:3:    expected int
Warning: fs/a.c:7 No description found for 'b'
fs/a.o: warning: objtool: f+0x12: unreachable
WARNING: modpost: missing MODULE_DESCRIPTION() in lib/a.o
make[1]: *** [Makefile:1: all] Error 2
"""
        self.assertEqual(
            bisect_check.warnings_in(log, Path("/x/linux-7.3-bisect")),
            {
                ("fs/a.c", "warning: unused [-Wunused]"),
                ("fs/a.c", "error: bad type"),
                ("fs/a.c", "No description found for 'b'"),
                ("fs/a.o", "warning: objtool: f: unreachable"),
                ("", "WARNING: modpost: missing MODULE_DESCRIPTION() in lib/a.o"),
            },
        )

    def test_lanes(self) -> None:
        names = [lane.name for lane in bisect_check.lanes_of("")]
        self.assertEqual(names, ["kernel", "warnings"])
        chosen = bisect_check.lanes_of("um-allnoconfig,warnings")
        self.assertEqual([lane.target.arch for lane in chosen], ["um", "x86_64"])
        with self.assertRaisesRegex(KtError, "no lane vax") as caught:
            bisect_check.lanes_of("vax")
        self.assertIn("i386-allmodconfig", caught.exception.hint)

    def test_lanes_without_a_compiler(self) -> None:
        def which(name: str) -> str | None:
            return None if name.startswith("aarch64") else name

        with mock.patch("shutil.which", which):
            every = {lane.target.arch for lane in bisect_check.lanes_of("all")}
            self.assertEqual(every, {"x86_64", "i386", "um"})
            with self.assertRaisesRegex(KtError, "needs aarch64-linux-gnu-gcc") as caught:
                bisect_check.lanes_of("arm64-allnoconfig")
        self.assertEqual(caught.exception.hint, "apt-get install gcc-aarch64-linux-gnu")
