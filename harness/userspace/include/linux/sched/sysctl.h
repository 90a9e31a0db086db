/* SPDX-License-Identifier: GPL-2.0 */
extern unsigned long sysctl_hung_task_timeout_secs;
