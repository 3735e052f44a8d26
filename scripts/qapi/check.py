# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks of single pieces of an expression: names, keys, features and
conditions; and the C form of a condition.
"""

import re

from .error import QapiError

NAME = re.compile(r'(x-|__)?[a-zA-Z][a-zA-Z0-9_.-]*')
NAME_DIGITS = re.compile(r'(x-)?[a-zA-Z0-9][a-zA-Z0-9_.-]*')
TYPE_NAME = re.compile(r'[A-Z][a-zA-Z0-9]*')


def check_name(name, place, what, digits=False):
    if what in ('enum', 'struct', 'union', 'alternate'):
        pattern = TYPE_NAME
    else:
        pattern = NAME_DIGITS if digits else NAME
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise QapiError(place, f"'{name}' is not a name for a {what}")


def check_keys(data, place, what, required, optional):
    for key in sorted(required - data.keys()):
        raise QapiError(place, f"{what} lacks '{key}'")
    for key in sorted(data.keys() - required - optional):
        raise QapiError(place, f"{what} has an unknown key '{key}'")


def check_list(value, place, what):
    if not isinstance(value, list):
        raise QapiError(place, f"'{what}' takes a list")
    return value


def split_member(key, place):
    """'*name' -> ('name', optional)."""
    optional = key.startswith('*')
    name = key[1:] if optional else key
    check_name(name, place, 'member')
    if name == 'u' or name.startswith('has-') or name.startswith('has_'):
        raise QapiError(place, f"member name '{name}' is reserved")
    return name, optional


def check_features(features, place):
    names = []
    for feature in check_list(features, place, 'features'):
        check_name(feature, place, 'feature')
        names.append(feature)
    return names


def check_condition(cond, place):
    if cond is None:
        return
    if isinstance(cond, str):
        if not re.fullmatch(r'[A-Z][A-Z0-9_]*', cond):
            raise QapiError(place, f"condition '{cond}' is not a name in "
                                   'capitals')
        return
    if not isinstance(cond, dict) or len(cond) != 1:
        raise QapiError(place, "'if' takes a name or one of 'all', 'any', "
                               "'not'")
    (key, value), = cond.items()
    if key == 'not':
        check_condition(value, place)
    elif key in ('all', 'any') and isinstance(value, list) and value:
        for part in value:
            check_condition(part, place)
    else:
        raise QapiError(place, f"'{key}' is not a condition")


def c_condition(cond):
    """The expression after #if."""
    if isinstance(cond, str):
        return f'defined({cond})'
    (key, value), = cond.items()
    if key == 'not':
        return '!' + c_condition(value)
    sign = ' && ' if key == 'all' else ' || '
    return '(' + sign.join(c_condition(part) for part in value) + ')'


def guarded(cond, text):
    """@text between #if and #endif where there is a condition."""
    if cond is None:
        return text
    return f'#if {c_condition(cond)}\n{text}#endif\n'
