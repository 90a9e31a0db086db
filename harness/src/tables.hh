/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REVOKE_STRESS_TABLES_H
#define REVOKE_STRESS_TABLES_H

#include <filesystem.hh>

#include "core/history.hh"

namespace revoke_test
{

/* The tables of the kselftests; see sources.mk for their names. */
const FileSystem &procfs_filesystem();
const FileSystem &debugfs_filesystem();
const FileSystem &sysfs_filesystem();
const FileSystem &cdev_filesystem();
const FileSystem &misc_filesystem();

} // namespace revoke_test

namespace revoke_stress
{

/* How the kselftests name methods here. */
const char *method_name(test_revoke_method method);

/* As the checker wants it; `live` is what files may answer while they are there. */
Table table_of(const revoke_test::FileSystem &filesystem, std::vector<int> live);

} // namespace revoke_stress

#endif
