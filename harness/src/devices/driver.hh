/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_DRIVER_H
#define REVOKE_STRESS_DRIVER_H

#include <module.hh>

namespace revoke_stress
{

/*
 * With the file that it was installed to: it is loaded from there by a mere system call. modprobe
 * would be a child, that has all files open until it is executed, and these may keep a module that
 * somebody unloads meanwhile. What the module needs has to be there.
 */
revoke_test::module::Module with_file(revoke_test::module::Module module);

} // namespace revoke_stress

#endif
