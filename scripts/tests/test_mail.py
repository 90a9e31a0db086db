# SPDX-License-Identifier: GPL-2.0
"""Patches as mails."""

import unittest

from ktlib import mail
from ktlib.errors import KtError

PATCH = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: f_revoke project <f_revoke@f-revoke.invalid>
Date: Sat, 21 Nov 2026 10:00:00 +0000
Subject: [PATCH 1/2] fs: add a mechanism that has a name so long that it is
 folded

Why.
---
 fs/a.c | 2 +-
 1 file changed, 1 insertion(+), 1 deletion(-)

diff --git a/fs/a.c b/fs/b.c
index 000000000001..000000000002 100644
--- a/fs/a.c
+++ b/fs/b.c
@@ -1 +1 @@
-a
+b
"""


class MailTest(unittest.TestCase):
    def setUp(self) -> None:
        self.patch = mail.threaded(PATCH, 3, 1)

    def test_threaded(self) -> None:
        self.assertEqual(
            mail.header(self.patch, "Message-ID"), "<f_revoke-v3-0001@f-revoke.invalid>"
        )
        self.assertEqual(mail.header(self.patch, "In-Reply-To"), mail.message_id(3, 0))
        self.assertEqual(self.patch.splitlines()[0], PATCH.splitlines()[0])
        self.assertEqual(self.patch, mail.threaded(PATCH, 3, 1))

    def test_title_is_unfolded(self) -> None:
        self.assertEqual(
            mail.title(PATCH), "fs: add a mechanism that has a name so long that it is folded"
        )

    def test_subject_gets_one_line(self) -> None:
        self.assertIn("so long that it is folded\n\nWhy.", self.patch)

    def test_kernel_need_not_be_ascii(self) -> None:
        self.assertEqual(mail.complaints(self.patch.replace("\n-a\n", "\n-\u00e9\n")), [])
        self.assertEqual(len(mail.complaints(self.patch.replace("\n+b\n", "\n+\u00e9\n"))), 1)

    def test_own_text(self) -> None:
        self.assertEqual(mail.own_text(self.patch), f"{mail.title(PATCH)}\nWhy.\nb\n")

    def test_touched_files(self) -> None:
        self.assertEqual(mail.touched_files(PATCH), ["fs/a.c", "fs/b.c"])

    def test_good_patch(self) -> None:
        self.assertEqual(mail.complaints(self.patch), [])

    def test_complaints(self) -> None:
        for old, new, complaint in (
            ("Message-ID", "X-ID", "no Message-ID header"),
            ("Why.", "Why not caf\u00e9.", "ASCII"),
            ("Why.", "Why.\r", "carriage"),
            ("Why.", "From here on.", "begins with 'From '"),
            ("Why.", "Why.\n\nSigned-off-by: A <a@example.org>", "Signed-off-by"),
            (" folded", " folded and folded and folded and folded", "characters; 75 are allowed"),
            ("diff --git", "GIT binary patch\ndiff --git", "binary"),
        ):
            with self.subTest(complaint):
                found = mail.complaints(self.patch.replace(old, new))
                self.assertEqual(len(found), 1, found)
                self.assertIn(complaint, found[0])

    def test_mbox_has_each_mail_at_a_line_of_its_own(self) -> None:
        box = mail.mbox([self.patch, self.patch])
        self.assertEqual(box.count("\n\nFrom 0000"), 1)
        self.assertTrue(box.endswith("+b\n"))


class CoverTest(unittest.TestCase):
    def test_mail(self) -> None:
        cover = mail.Cover.parse("fs: revoke\n\nWhy at all.\n")
        text = cover.mail(2, [PATCH, PATCH], "shortlog", "1234")
        self.assertEqual(mail.header(text, "Subject"), "[PATCH v2 0/2] fs: revoke")
        self.assertEqual(mail.header(text, "Message-ID"), "<f_revoke-v2-0000@f-revoke.invalid>")
        self.assertEqual(mail.header(text, "Date"), "Sat, 21 Nov 2026 10:00:00 +0000")
        self.assertTrue(text.endswith("\n\nWhy at all.\n\nshortlog\n\nbase-commit: 1234\n"))

    def test_no_base_commit(self) -> None:
        text = mail.Cover.parse("t\n\nb\n").mail(1, [PATCH], "s", "")
        self.assertNotIn("base-commit", text)
        self.assertIn("[PATCH 0/1] t", text)

    def test_bad_cover(self) -> None:
        for text in ("", "\nbody", "title\nno empty line"):
            with self.subTest(text), self.assertRaisesRegex(KtError, "wanted are a title"):
                mail.Cover.parse(text)
