# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: a QMP client, the daemon, tools, NBD by hand, TAP."""
