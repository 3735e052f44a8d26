# SPDX-License-Identifier: GPL-2.0-or-later
"""The cases: each module has CASES, a list of (name, function); a function
takes the Bench and yields rows."""
