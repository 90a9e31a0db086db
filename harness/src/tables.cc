// SPDX-License-Identifier: GPL-2.0
#include "tables.hh"

namespace revoke_stress
{

const char *method_name(test_revoke_method method)
{
	switch (method) {
	case TEST_REVOKE_OPEN:
		return "open";
	case TEST_REVOKE_READ:
		return "read";
	case TEST_REVOKE_WRITE:
		return "write";
	case TEST_REVOKE_LSEEK:
		return "lseek";
	case TEST_REVOKE_IOCTL:
		return "ioctl";
	case TEST_REVOKE_COMPAT_IOCTL:
		return "compat_ioctl";
	case TEST_REVOKE_MMAP:
		return "mmap";
	default:
		return "";
	}
}

Table table_of(const revoke_test::FileSystem &filesystem, std::vector<int> live)
{
	Table table;

	for (const test_revoke_method method :
	     {TEST_REVOKE_OPEN, TEST_REVOKE_READ, TEST_REVOKE_WRITE, TEST_REVOKE_LSEEK,
	      TEST_REVOKE_IOCTL, TEST_REVOKE_COMPAT_IOCTL, TEST_REVOKE_MMAP})
		table.gone[method_name(method)] = filesystem.errno_after_removal(method);
	table.gone[""] = filesystem.errno_after_removal(TEST_REVOKE_READ);
	table.mask_gone = filesystem.mask_after_removal;
	table.live = std::move(live);
	return table;
}

} // namespace revoke_stress
