# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-introspect.c: the answer to query-qmp-schema as JSON text.

Types are named by numbers, so that clients depend on what the schema says
and not on our names for it. Built-in types keep their names, and all sizes
of integers are shown as `int`.
"""

import json

from .check import guarded
from .entities import Alternate, Array, Builtin, Enum, Object
from .names import c_string
from .output import write_source


class Introspection:
    """Invariant: `queue` holds the types that were named and not yet
    described, in order of their first use."""

    def __init__(self, schema):
        self.schema = schema
        self.numbers = {}
        self.lists = {}
        self.queue = []
        self.rows = []
        for entity in schema.commands:
            self.command(entity)
        for entity in schema.events:
            self.event(entity)
        for entity in self.queue:  # grows while it is walked
            self.type(entity)

    def use(self, entity):
        """The name of a type in the answer."""
        if isinstance(entity, Array):
            name = f'[{self.use(entity.element)}]'
            # Lists of integers of all sizes are one type.
            if self.lists.setdefault(name, entity) is entity:
                self.note(entity)
            return name
        if isinstance(entity, Builtin):
            if entity.json_type() == 'int':
                entity = self.schema.types['int']
            self.note(entity)
            return entity.name
        self.note(entity)
        return self.numbers.setdefault(entity, str(len(self.numbers)))

    def note(self, entity):
        if entity not in self.queue:
            self.queue.append(entity)

    def add(self, entity, meta, name, data):
        row = {'name': name, 'meta-type': meta, **data}
        if entity.features:
            row['features'] = entity.features
        self.rows.append((entity.cond, row))

    def command(self, entity):
        empty = self.schema.empty
        data = {'arg-type': self.use(entity.args or empty),
                'ret-type': self.use(entity.ret or empty)}
        if entity.allow_oob:
            data['allow-oob'] = True
        self.add(entity, 'command', entity.name, data)

    def event(self, entity):
        self.add(entity, 'event', entity.name,
                 {'arg-type': self.use(entity.args or self.schema.empty)})

    def type(self, entity):
        name = self.use(entity)
        if isinstance(entity, Builtin):
            self.add(entity, 'builtin', name,
                     {'json-type': entity.json_type()})
        elif isinstance(entity, Array):
            self.add(entity, 'array', name,
                     {'element-type': self.use(entity.element)})
        elif isinstance(entity, Enum):
            self.add(entity, 'enum', name, {
                'members': Items(self.enum_value(v) for v in entity.values),
                'values': Items((v.cond, v.name) for v in entity.values)})
        elif isinstance(entity, Alternate):
            self.add(entity, 'alternate', name, {'members': Items(
                (v.cond, {'type': self.use(v.type)})
                for v in entity.variants)})
        elif isinstance(entity, Object):
            self.object(entity, name)

    @staticmethod
    def enum_value(value):
        row = {'name': value.name}
        if value.features:
            row['features'] = value.features
        return value.cond, row

    def object(self, entity, name):
        data = {'members': Items(self.member(m)
                                 for m in entity.all_members())}
        if entity.variants:
            arms = {v.name: v for v in entity.variants}
            data['tag'] = entity.tag.name
            data['variants'] = Items(
                (value.cond, {'case': value.name, 'type': self.use(
                    arms[value.name].type if value.name in arms
                    else self.schema.empty)})
                for value in entity.tag.type.values)
        self.add(entity, 'object', name, data)

    def member(self, member):
        row = {'name': member.name, 'type': self.use(member.type)}
        if member.optional:
            row['default'] = None
        if member.features:
            row['features'] = member.features
        return member.cond, row


class Items(list):
    """A JSON array of (condition, value)."""


def literals(value, cond=None, tail=''):
    """C string literals, one a line, that together are the JSON of @value.
    An item that has a condition brings its own comma, in front."""
    if isinstance(value, dict) and any(isinstance(v, Items)
                                       for v in value.values()):
        out = line('{')
        for i, (key, part) in enumerate(value.items()):
            comma = ', ' if i else ''
            if isinstance(part, Items):
                out += line(f'{comma}{json.dumps(key)}: [')
                out += items(part) + line(']')
            else:
                out += line(f'{comma}{json.dumps(key)}: {json.dumps(part)}')
        return guarded(cond, out + line('}' + tail))
    return guarded(cond, line(json.dumps(value) + tail))


def line(text):
    return '    ' + c_string(text) + '\n'


def items(values):
    """An array of which some items have conditions: those follow the others,
    so that a comma always has something before it."""
    plain = [v for v in values if v[0] is None]
    conditional = [v for v in values if v[0] is not None]
    assert plain or not conditional
    out = ''
    for i, (_, value) in enumerate(plain):
        out += literals(value, None, ', ' if i < len(plain) - 1 else '')
    for cond, value in conditional:
        out += guarded(cond, line(', ') + literals(value))
    return out


def generate(schema, directory):
    text = '#include "qapi/command.h"\n\nconst char qmp_schema_json[] =\n'
    text += line('[') + items(Introspection(schema).rows) + line(']')
    write_source(directory, 'qapi-introspect.c', text.rstrip('\n') + ';\n')
