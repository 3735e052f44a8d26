# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmarks share: the programs, their QMP, alternating, tables."""
