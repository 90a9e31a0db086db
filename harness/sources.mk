# SPDX-License-Identifier: GPL-2.0
# What the program is made of, for both makefiles; paths are relative to harness/.

SELFTESTS := ../selftests/revoke

CORE := checker history ktap lifetime shrink table
ENGINE := engine fail_nth foreign_source module_source nemesis options races result round slab task \
	world workload
DEVICES := $(patsubst src/devices/%.cc,%,$(wildcard src/devices/*.cc))
WORKLOADS := $(patsubst src/workloads/%.cc,%,$(wildcard src/workloads/*.cc))
PROGRAM := main
# Of the kselftests. Each filesystem defines filesystem(): one program has room for one
# of that name.
SHARED := check control file_ops mapping module waiting
FILESYSTEMS := procfs debugfs sysfs cdev misc

HARNESS_CPPFLAGS := -D_GNU_SOURCE -DFMT_HEADER_ONLY -Isrc -I$(SELFTESTS)
$(foreach name,$(FILESYSTEMS),$(eval %/$(name).o: CPPFLAGS += -Dfilesystem=$(name)_filesystem))

# Objects, in the folder that $(1) names.
core_objects = $(patsubst %,$(1)/%.o,$(CORE))
engine_objects = $(patsubst %,$(1)/%.o,$(ENGINE) $(DEVICES) $(WORKLOADS) $(SHARED) \
	$(FILESYSTEMS) tables)
program_objects = $(patsubst %,$(1)/%.o,$(PROGRAM))

vpath %.cc src src/core src/devices src/workloads tests $(SELFTESTS)
