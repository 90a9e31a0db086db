# SPDX-License-Identifier: GPL-2.0
# What the program is made of, for both makefiles; paths are relative to harness/.

SELFTESTS := ../selftests/revoke

CORE := checker history ktap lifetime shrink table
ENGINE := engine fail_nth nemesis options races result round slab task world workload
WORKLOADS := $(patsubst src/workloads/%.cc,%,$(wildcard src/workloads/*.cc))
PROGRAM := foreign_source main module_source
# Of the kselftests. Each filesystem defines filesystem(): one program has room for one
# of that name.
SHARED := check control file_ops mapping module waiting
FILESYSTEMS := procfs debugfs sysfs cdev misc

HARNESS_CPPFLAGS := -D_GNU_SOURCE -DFMT_HEADER_ONLY -Isrc -I$(SELFTESTS)
$(foreach name,$(FILESYSTEMS),$(eval %/$(name).o: CPPFLAGS += -Dfilesystem=$(name)_filesystem))

# Objects, in the folder that $(1) names.
core_objects = $(patsubst %,$(1)/%.o,$(CORE))
engine_objects = $(patsubst %,$(1)/%.o,$(ENGINE) $(WORKLOADS) $(SHARED) $(FILESYSTEMS) tables)
program_objects = $(patsubst %,$(1)/%.o,$(PROGRAM))

vpath %.cc src src/core src/workloads tests $(SELFTESTS)
