# SPDX-License-Identifier: GPL-2.0
"""What the kernel's tools say of documentation: only what the series is to blame for counts."""

from pathlib import Path

from ktlib import documents
from ktlib.tally import Tally
from tests.test_tree import TreeCase

# Says of each file what it has after 'TODO'.
KERNEL_DOC = """\
import sys
for name in sys.argv[3:]:
    for number, line in enumerate(open(name), start=1):
        if "TODO" in line:
            print(f"Warning: {name}:{number} {line.split('TODO ')[1].strip()}", file=sys.stderr)
"""
CONF = 'master_doc = "index"\nextensions = []\n'
OLD = "/* TODO no value of 'old' */\n"
GUIDE = "Guide\n=====\n\nSee :doc:`elsewhere`.\n"


class DocumentsTest(TreeCase):
    """A kernel with a complaint about its C and one about its documents."""

    def setUp(self) -> None:
        super().setUp()
        for name, text in (
            ("scripts/kernel-doc", KERNEL_DOC),
            ("Documentation/conf.py", CONF),
            ("Documentation/guide.rst", GUIDE),
            ("fs/old.c", OLD),
        ):
            self.write(self.kernel / name, text)

    def check(self, files: dict[str, str]) -> Tally:
        source = self.source()
        self.apply(source)
        for name, text in files.items():
            self.commit(source, name, text, f"{Path(name).name}: change")
        self.export(source)
        return documents.check(source, self.listed())

    def test_nothing_new(self) -> None:
        tally = self.check(
            {"fs/old.c": "int more;\n" + OLD, "Documentation/guide.rst": GUIDE + "\nMore.\n"}
        )
        self.assertEqual((tally.passed, tally.failed), (2, 0), tally.details)

    def test_comment_that_is_not_complete(self) -> None:
        tally = self.check({"fs/old.c": OLD + "/* TODO no value of 'new'\n"})
        self.assertEqual(tally.details, ["fs/old.c:", "no value of 'new'"])

    def test_the_same_twice_is_new(self) -> None:
        self.assertEqual(self.check({"fs/old.c": OLD + OLD}).failed, 1)

    def test_document_that_leads_nowhere(self) -> None:
        tally = self.check({"Documentation/guide.rst": GUIDE + "\nOr :doc:`nowhere`.\n"})
        self.assertEqual(tally.failed, 1)
        self.assertIn("unknown document: 'nowhere'", tally.details[1])

    def test_document_that_leads_to_one_that_is_not_touched(self) -> None:
        self.write(self.kernel / "Documentation/sub/other.rst", "Other\n=====\n")
        tally = self.check({"Documentation/guide.rst": GUIDE + "\nOr :doc:`sub/other`.\n"})
        self.assertEqual((tally.passed, tally.failed), (1, 0), tally.details)

    def test_new_document_that_nobody_lists(self) -> None:
        tally = self.check(
            {
                "Documentation/guide.rst": GUIDE + "\nMore.\n",
                "Documentation/lost.rst": "Lost\n====\n",
            }
        )
        self.assertEqual((tally.passed, tally.failed), (1, 1))
        self.assertIn("isn't included in any toctree", tally.details[1])

    def test_sphinx_that_breaks_off(self) -> None:
        tally = self.check(
            {"Documentation/conf.py": "oops\n", "Documentation/guide.rst": GUIDE + "\nMore.\n"}
        )
        self.assertEqual(tally.failed, 1)
        self.assertIn("Sphinx:", tally.details)


class FormTest(TreeCase):
    def test_sources_of_documents(self) -> None:
        text = ".. kernel-doc:: fs/a.c\n   :export:\n\n:doc:`b`, :doc:`that <../c>`, :doc:`/d/e`\n"
        self.write(self.kernel / "Documentation/x/a.rst", text)
        source = self.source()
        names = documents._named(source.git, source.base, ["Documentation/x/a.rst"])
        others = ["Documentation/x/b.rst", "Documentation/c.rst", "Documentation/d/e.rst"]
        self.assertEqual(names, ["fs/a.c", *others])

    def test_quoted_code_may_change(self) -> None:
        words = "Warning: a.h:{} s(x) {{ int a; {}}} error: Cannot parse\n"
        said = [
            documents.heard(documents._OF_KERNEL_DOC, words.format(*what), Path("/"))
            for what in ((1, ""), (2, "int b; "))
        ]
        self.assertEqual(said[0], said[1])
        self.assertEqual(list(said[0]), [("a.h", "s(x) {} error: Cannot parse")])
