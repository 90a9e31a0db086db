// SPDX-License-Identifier: GPL-2.0
// Every use of a file's f_op, and every call through a pointer to file operations, by shape:
//
//   call       file->f_op->method(...)
//   saved      a method's address that is kept or passed on
//   test       any other look at a member
//   compare    f_op == or != something
//   pointer    f_op itself, kept, passed on or set
//   through    a method called through a local pointer to file operations, or a member that is
//              called fops
//
// One line of output each: shape, file, function, line, method or operations.

@initialize:python@
@@
def tell(shape, places, what):
    for at in places:
        print("\t".join((shape, at.file, at.current_element, at.line, what)))

@call@
expression file;
identifier method;
position at;
@@
(
 file->f_op@at->method(...)
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

@saved@
expression file, to;
identifier method, fn;
position at != call.at;
@@
(
 to = file->f_op@at->method
|
 fn(..., file->f_op@at->method, ...)
)

@script:python@
at << saved.at;
method << saved.method;
@@
tell("saved", at, method)

@initial@
expression file;
identifier method, variable;
type T;
position at;
@@
 T variable = file->f_op@at->method;

@script:python@
at << initial.at;
method << initial.method;
@@
tell("saved", at, method)

@returned@
expression file;
identifier method;
position at;
@@
 return file->f_op@at->method;

@script:python@
at << returned.at;
method << returned.method;
@@
tell("saved", at, method)

@test@
expression file;
identifier method;
position at != {call.at, saved.at, initial.at, returned.at};
@@
(
 file->f_op@at->method
|
 file.f_op@at->method
)

@script:python@
at << test.at;
method << test.method;
@@
tell("test", at, method)

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
position at != {call.at, saved.at, initial.at, returned.at, test.at, compare.at};
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
identifier method;
position at;
@@
 fops->method@at(...)

@script:python@
at << through.at;
method << through.method;
@@
tell("through", at, method)

@member@
expression of;
identifier fops =~ "fops$|_f_op$";
identifier method;
position at != through.at;
@@
 of->fops->method@at(...)

@script:python@
at << member.at;
method << member.method;
@@
tell("through", at, method)
