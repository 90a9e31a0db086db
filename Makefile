# SPDX-License-Identifier: GPL-2.0
# Thin verbs over scripts/kt; 'make help' lists them.

VERBS := run test check check-fops harness userspace userspace-mutants models mutants regress stress soak bench bench-check shell deps source apply apply-check bisect-check export range-diff series recipients lava config build image clean help
PYTHON := /usr/bin/python3

# Variable of make -> option of kt; one that is not set is not passed on.
option = $(if $($(1)),--$(2)='$($(1))')
OPTIONS = $(call option,PROFILE,profile) $(call option,ACCEL,accel) $(call option,UPTO,upto) $(call option,BASE,base) \
	$(call option,KERNEL_SRC,kernel-src) $(call option,KERNEL_TARBALL,kernel-tarball)
bisect-check: OPTIONS += $(call option,LANES,lanes) $(if $(BOOT),--boot)
lava: OPTIONS += $(call option,REPOSITORY,repository)
stress soak: OPTIONS += $(call option,DURATION,duration) $(call option,SEED,seed) $(call option,WORKLOADS,workloads)
image: OPTIONS += $(call option,ROOTFS,rootfs)
bench: OPTIONS += $(call option,BOOTS,boots)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: $(VERBS)

$(VERBS): | $(PYTHON)
	@$(PYTHON) scripts/kt $@ $(OPTIONS)

# A bare machine has no Python yet; everything else is installed by kt.
$(PYTHON):
	@if [ "$$(id -u)" -ne 0 ]; then \
		echo "error: $@ is missing: sudo apt-get install --no-install-recommends python3" >&2; \
		exit 30; \
	fi
	apt-get update --quiet --quiet
	DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends python3
