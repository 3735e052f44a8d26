# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that an answer of query-qmp-schema agrees with itself."""

BUILTINS = {'str', 'int', 'number', 'bool', 'null', 'any'}


def _refs(entry):
    """All type names that an entry of the schema points at."""
    meta = entry['meta-type']
    if meta == 'array':
        yield entry['element-type']
    elif meta in ('object', 'alternate'):
        for member in entry['members']:
            yield member['type']
        for variant in entry.get('variants', ()):
            yield variant['type']
    elif meta == 'command':
        yield entry['arg-type']
        yield entry['ret-type']
    elif meta == 'event':
        yield entry['arg-type']


def find_faults(schema):
    """A list of sentences; empty when the schema is sound."""
    faults = []
    types = {}
    names = set()
    for entry in schema:
        name, meta = entry['name'], entry['meta-type']
        if name in names:
            faults.append(f'{name} is there twice')
        names.add(name)
        if meta not in ('command', 'event'):
            types[name] = entry
        if meta == 'builtin' and name not in BUILTINS:
            faults.append(f'{name} is no built-in type')
        if meta == 'enum' and entry['values'] != [
                member['name'] for member in entry['members']]:
            faults.append(f'values and members of {name} differ')
    used = {ref for entry in schema for ref in _refs(entry)}
    faults += [f'{ref} is not defined' for ref in used - set(types)]
    faults += [f'{name} is not used' for name in set(types) - used]
    for entry in schema:
        if entry['meta-type'] == 'object':
            faults += _union_faults(entry, types)
        if entry['meta-type'] in ('command', 'event') and \
                types[entry['arg-type']]['meta-type'] != 'object':
            faults.append(f"arguments of {entry['name']} are no object")
    return faults


def _union_faults(entry, types):
    if 'variants' not in entry:
        return
    tags = [m for m in entry['members'] if m['name'] == entry['tag']]
    if len(tags) != 1:
        yield f"{entry['name']} lacks its tag"
        return
    values = types[tags[0]['type']]['values']
    for variant in entry['variants']:
        if variant['case'] not in values:
            yield f"{entry['name']}: no value {variant['case']}"
