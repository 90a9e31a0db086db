# SPDX-License-Identifier: GPL-2.0
"""What the series costs: instructions, memory, sizes and throughput, side by side with the base."""
