# SPDX-License-Identifier: GPL-2.0
"""The checker of f_op uses, on seeded violations of each shape."""

import io
import tempfile
import unittest
from pathlib import Path

from ktlib import fops
from ktlib.errors import KtError
from ktlib.fops import Reason, Use
from ktlib.paths import Paths
from ktlib.ui import Ui

SEEDS = {
    "call": "long f(struct file *file) { return file->f_op->unlocked_ioctl(file, 1, 2); }",
    "call of a member": "int f(struct thing t) { return t.f_op->flush(t.file, 0); }",
    "call in brackets": "int f(struct file *file) { return (*file->f_op->flush)(file, 0); }",
    "call far away": "int f(struct a *a) { return fd_file(a->b[3])->f_op->fsync(a, 0, 0, 0); }",
    "call in brackets again": "int f(struct file *file) { return (file->f_op->flush)(file, 0); }",
    "saved": "int f(struct file *file) { flush_t g; g = file->f_op->flush; return g(file, 0); }",
    "saved at once": "int f(struct file *file) { flush_t g = file->f_op->flush; return g(file); }",
    "saved by another": "int f(struct file *file) { return call_it(file, file->f_op->flush); }",
    "saved by the caller": "flush_t f(struct file *file) { return file->f_op->flush; }",
    "saved for want of another": "void f(struct file *file) { g = file->f_op->flush ?: other; }",
    "saved and called": "int f(struct file *file) { return (file->f_op->flush ?: d)(file, 0); }",
    "saved on a condition": "void f(struct file *file) { g = c ? file->f_op->flush : NULL; }",
    "saved with a cast": "void f(struct file *file) { g = (flush_t)file->f_op->flush; }",
    "saved in a struct": "void f(struct file *file) { struct x y = { .g = file->f_op->flush }; }",
    "saved by address": "void f(struct file *file) { g = &file->f_op->flush; }",
    "saved by a macro": "#define FLUSH(file) ((file)->f_op->flush)",
    "pointer": "void f(struct file *file) { fops = file->f_op; }",
    "pointer container_of": "int f(struct file *file) "
    "{ return container_of(file->f_op, struct drv, fops)->x; }",
    "compare": "bool f(struct file *file) { return file->f_op == &some_fops; }",
    "pointer copy": "void f(struct file *file) { struct file_operations o = *file->f_op; }",
    "test": "bool f(struct file *file) { return !file->f_op->flush; }",
    "test in a condition": "int f(struct file *a) { if (likely(fd_file(a)->f_op->poll)) x(); }",
    "test of a flag": "int f(struct file *file) { return file->f_op->fop_flags & FOP_X; }",
    "test of both": "int f(struct file *a) { return a->f_op->flush && a->f_op->read == g; }",
    "through": "int f(const struct file_operations *o) { return o->flush(o, 0); }",
    "through a member": "int f(struct dev *d) { return d->fops->flush(d, 0); }",
    "through an inode": "int f(struct inode *inode) { return inode->i_fop->open(inode, 0); }",
    "through a device": "int f(struct cdev *cdev) { return cdev->ops->open(cdev, 0); }",
    "through a copy": "int f(struct file_operations o) { return o.flush(file, 0); }",
    "unparsed through": "int f(struct dev *d) { with_creds(d) return d->fops->flush(d, 0); }",
    "unparsed": "int f(struct file *file) "
    "{ with_creds(file) return file->f_op->flush(file, 0); }",
}


class FopsTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tree = Path(folder.name)
        self.rules = Paths.of_checkout().scripts / "fops" / "fops.cocci"

    def test_each_shape_is_seen(self) -> None:
        for number, seed in enumerate(SEEDS.values()):
            (self.tree / f"{number}.c").write_text(f"{seed}\n")
        uses = fops.scan(self.tree, [f"{number}.c" for number in range(len(SEEDS))], self.rules)
        table = Paths.of_checkout().patches / "v7.3" / "call-sites.toml"
        reasons = fops.load_reasons(table)
        for number, name in enumerate(SEEDS):
            with self.subTest(name):
                found = [use for use in uses if use.file == f"{number}.c"]
                shape = name.split()[0]
                self.assertEqual({use.shape for use in found}, {shape})
                explained = {any(one.covers(use) for one in reasons) for use in found}
                self.assertEqual(explained, {shape == "test"})

    def test_pattern_with_the_method_twice(self) -> None:
        reason = Reason("why", ("a.h call_{what} call {what}",))
        self.assertTrue(reason.covers(Use("a.h", "call_read", "call", "read", 1)))
        self.assertFalse(reason.covers(Use("a.h", "call_new", "call", "read", 1)))

    def test_comments_and_strings_are_no_uses(self) -> None:
        text = 'int a; /* x->f_op */ // y->f_op\nchar *s = "->f_op", c = \'"\';\nx\n ->f_op;\n'
        self.assertEqual(fops.tokens(text), {4: 1})

    def test_answer_is_kept_until_a_file_changes(self) -> None:
        file, cache = self.tree / "a.c", self.tree / "cache.json"
        file.write_text(f"{SEEDS['test']}\n")
        first = fops.scan(self.tree, ["a.c"], self.rules, cache)
        self.assertEqual(fops.scan(self.tree, ["a.c"], self.rules, cache), first)
        file.write_text(f"{SEEDS['call']}\n")
        again = fops.scan(self.tree, ["a.c"], self.rules, cache)
        self.assertEqual([use.shape for use in again], ["call"])

    def test_verdict(self) -> None:
        uses = [Use("a.c", "f", "call", "read", 3), Use("b.c", "g", "test", "read", 4)]
        reasons = [Reason("why", ("* * test *", "c.c * call *"))]
        tally = fops.check(uses, reasons, Ui(io.StringIO(), {}))
        self.assertEqual((tally.passed, tally.failed), (1, 2))
        self.assertIn("f: call read: no reason", tally.details)
        self.assertIn("'c.c * call *':", tally.details)

    def test_lines_may_have_become_parseable(self) -> None:
        reasons = [Reason("why", ("c.c [?] unparsed x->f_op->read(x);",))]
        self.assertEqual(fops.check([], reasons, Ui(io.StringIO(), {})).failed, 0)

    def test_bad_table(self) -> None:
        table = self.tree / "table.toml"
        table.write_text('[[reason]]\nwhy = "x"\n')
        with self.assertRaisesRegex(KtError, "'uses'"):
            fops.load_reasons(table)

    def test_rules_that_do_not_parse(self) -> None:
        rules, file = self.tree / "rules.cocci", self.tree / "a.c"
        rules.write_text("@bad\n")
        file.write_text("int x;\n")
        with self.assertRaisesRegex(KtError, "coccinelle failed on a.c"):
            fops.scan(self.tree, ["a.c"], rules)
