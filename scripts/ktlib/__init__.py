# SPDX-License-Identifier: GPL-2.0
"""The parts behind scripts/kt: from a bare machine to a verdict on a booted kernel."""
