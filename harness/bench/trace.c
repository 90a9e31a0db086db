// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that writes down each instruction between two markers of a guest's program.
 *
 *   qemu ... -plugin ./trace.so,out=FILE,begin=ADDRESS,end=ADDRESS
 *
 * begin and end are addresses of instructions of the program. What is written, when the instruction
 * at the end is reached, is one line for each instruction since that at the beginning was: address
 * and disassembly, for writes with the address written to. Of several passes only the last one is
 * kept.
 *
 * QEMU's header for plugins is not in Debian's packages. What is declared here is what is used of
 * version 1 of the interface.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t qemu_plugin_id_t;
typedef uint32_t qemu_plugin_meminfo_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };
enum qemu_plugin_mem_rw { QEMU_PLUGIN_MEM_W = 2 };

typedef void (*qemu_plugin_vcpu_tb_trans_cb_t)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_vcpu_udata_cb_t)(unsigned int vcpu, void *data);
typedef void (*qemu_plugin_vcpu_mem_cb_t)(unsigned int vcpu, qemu_plugin_meminfo_t info,
					  uint64_t address, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, qemu_plugin_vcpu_tb_trans_cb_t cb);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_vcpu_udata_cb_t cb,
					    enum qemu_plugin_cb_flags flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, qemu_plugin_vcpu_mem_cb_t cb,
				      enum qemu_plugin_cb_flags flags, enum qemu_plugin_mem_rw rw,
				      void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
char *qemu_plugin_insn_disas(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* An instruction as it was translated; lives as long as QEMU, since it may be run at any time. */
struct insn {
	uint64_t address;
	char *text;
};

#define MAX_STEPS 200000

static struct step {
	const struct insn *insn;
	uint64_t written;
} steps[MAX_STEPS];

static unsigned int step_count;
static bool recording;
static uint64_t begin, end;
static const char *out;

static void write_steps(void)
{
	FILE *file = fopen(out, "w");

	if (!file) {
		perror(out);
		exit(EXIT_FAILURE);
	}
	for (unsigned int i = 0; i < step_count; i++) {
		fprintf(file, "%016" PRIx64 " %s", steps[i].insn->address, steps[i].insn->text);
		if (steps[i].written)
			fprintf(file, "\t; writes %" PRIx64, steps[i].written);
		fputc('\n', file);
	}
	fclose(file);
}

static void on_insn(unsigned int vcpu, void *data)
{
	const struct insn *insn = data;

	(void)vcpu;
	if (insn->address == begin) {
		recording = true;
		step_count = 0;
	} else if (recording && insn->address == end) {
		recording = false;
		write_steps();
	}
	if (recording && step_count < MAX_STEPS)
		steps[step_count++] = (struct step){.insn = insn};
}

static void on_write(unsigned int vcpu, qemu_plugin_meminfo_t info, uint64_t address, void *data)
{
	(void)vcpu;
	(void)info;
	(void)data;
	if (recording && step_count)
		steps[step_count - 1].written = address;
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct insn *kept = malloc(sizeof(*kept));

		if (!kept)
			abort();
		kept->address = qemu_plugin_insn_vaddr(insn);
		kept->text = qemu_plugin_insn_disas(insn);
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_insn, QEMU_PLUGIN_CB_NO_REGS, kept);
		qemu_plugin_register_vcpu_mem_cb(insn, on_write, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_W, kept);
	}
}

__attribute__((visibility("default"))) int
qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = argv[i] + 4;
		else if (!strncmp(argv[i], "begin=", 6))
			begin = strtoull(argv[i] + 6, NULL, 16);
		else if (!strncmp(argv[i], "end=", 4))
			end = strtoull(argv[i] + 4, NULL, 16);
	}
	if (!out || !begin || !end) {
		fputs("trace: out=, begin= and end= are needed\n", stderr);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	return 0;
}
