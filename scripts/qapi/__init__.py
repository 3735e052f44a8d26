# SPDX-License-Identifier: GPL-2.0-or-later
"""Generates C and documentation from the QMP schema under qapi/.

The way of the data: source.py reads the files into expressions, doc.py
splits their comments, schema.py checks the expressions and links them into
entities, and one gen_*.py per output writes it.
"""
