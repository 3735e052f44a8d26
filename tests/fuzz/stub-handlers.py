#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes handlers for all QMP commands that refuse whatever they are asked.

Usage: stub-handlers.py qapi-commands.h OUTPUT

They are weak: a handler that is linked for another reason goes first.
"""
import re
import sys
from pathlib import Path

PROTOTYPE = re.compile(r"^(\w+ \*?)(qmp_\w+)\(([^)]*)\)[A-Z_ \n]*;$",
                       re.MULTILINE)
STUB = """
__attribute__((weak)) {type}{name}({args})
{{
    error_set(errp, "{name} is not here");
    return 0;
}}
"""


def main():
    header, output = map(Path, sys.argv[1:])
    stubs = [STUB.format(type=m[1], name=m[2], args=m[3])
             for m in PROTOTYPE.finditer(header.read_text())]
    if len(stubs) < 10:
        sys.exit("stub-handlers.py: the header looks different")
    output.write_text('#include "qapi/qapi-commands.h"\n' + "".join(stubs))


if __name__ == "__main__":
    main()
