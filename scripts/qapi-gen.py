#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Generates C and documentation from a QMP schema; see scripts/qapi/."""

import sys

from qapi.main import main

if __name__ == '__main__':
    sys.exit(main())
