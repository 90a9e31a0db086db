// SPDX-License-Identifier: GPL-2.0
// Every use of a file's f_op, and every call through a pointer to file operations, by shape:
//
//   call       file->f_op->method(...)
//   member     any other use of a member; scripts/ktlib/fops.py tells tests from the rest
//   compare    f_op == or != something
//   pointer    f_op itself, kept, passed on or set
//   through    a method called through a local pointer to file operations, through inode->i_fop,
//              or through the operations of a character device or of whatever has 'fops'
//
// One line of output each: shape, file, function, line, column, method or operations.

@initialize:python@
@@
def tell(shape, places, what):
    for at in places:
        print("\t".join((shape, at.file, at.current_element, at.line, at.column, what)))

@call@
expression file;
identifier method;
position at;
@@
(
 file->f_op@at->method(...)
|
 (file->f_op@at->method)(...)
|
 file.f_op@at->method(...)
|
 (*file->f_op@at->method)(...)
)

@script:python@
at << call.at;
method << call.method;
@@
tell("call", at, method)

@member@
expression file;
identifier method;
position at != call.at;
@@
(
 file->f_op@at->method
|
 file.f_op@at->method
)

@script:python@
at << member.at;
method << member.method;
@@
tell("member", at, method)

@compare@
expression file, other;
position at;
@@
(
 file->f_op@at == other
|
 file->f_op@at != other
|
 other == file->f_op@at
|
 other != file->f_op@at
)

@script:python@
at << compare.at;
other << compare.other;
@@
tell("compare", at, other)

@pointer@
expression file;
position at != {call.at, member.at, compare.at};
@@
(
 file->f_op@at
|
 file.f_op@at
)

@script:python@
at << pointer.at;
@@
tell("pointer", at, "")

@through@
struct file_operations *fops;
struct file_operations operations;
struct cdev *cdev;
identifier method;
position at;
@@
(
 fops->method@at(...)
|
 operations.method@at(...)
|
 cdev->ops->method@at(...)
)

@script:python@
at << through.at;
method << through.method;
@@
tell("through", at, method)

@operations@
expression of;
identifier fops =~ "fops$|_f_op$|^i_fop$";
identifier method;
position at != through.at;
@@
 of->fops->method@at(...)

@script:python@
at << operations.at;
method << operations.method;
@@
tell("through", at, method)
