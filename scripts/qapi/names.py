# SPDX-License-Identifier: GPL-2.0-or-later
"""How names of the schema become names of C."""

import re

C_WORDS = set('''
    auto bool break case char const continue default do double else enum errno
    extern float for goto if inline int linux long register restrict return
    short signed sizeof static struct switch typedef typeof union unix unsigned
    void volatile while
'''.split())


def c_name(name):
    """A member, or a part of a function name."""
    name = re.sub(r'[^A-Za-z0-9_]', '_', name)
    return 'q_' + name if name in C_WORDS or name[:1].isdigit() else name


def c_part(name):
    """A part of a longer C name, where keywords cannot clash."""
    return re.sub(r'[^A-Za-z0-9_]', '_', name)


def camel_to_upper(name):
    """BlockdevOnError -> BLOCKDEV_ON_ERROR, QAPIEvent -> QAPI_EVENT."""
    name = re.sub(r'([a-z0-9])([A-Z])', r'\1_\2', name)
    name = re.sub(r'([A-Z])([A-Z][a-z])', r'\1_\2', name)
    return c_part(name).upper()


def to_camel(name):
    """block-dirty-bitmap-add, JOB_STATUS_CHANGE -> CamelCase."""
    return ''.join(p[:1].upper() + p[1:].lower()
                   for p in re.split(r'[-_.]', name))


def enum_const(prefix, value):
    return f'{prefix}_{c_part(value).upper()}'


def c_string(text):
    """A C string literal."""
    out = text.replace('\\', '\\\\').replace('"', '\\"')
    return '"' + out.replace('\n', '\\n') + '"'
