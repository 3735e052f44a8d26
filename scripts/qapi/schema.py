# SPDX-License-Identifier: GPL-2.0-or-later
"""Links the expressions of a schema into entities and checks that they fit:
names, keys, types that exist, arms that match their tag, alternates whose
branches can be told apart, documentation that describes what is there.
"""

import re

from .check import (check_condition, check_features, check_keys, check_list,
                    check_name, split_member)
from .entities import (Alternate, Array, BUILTINS, Builtin, Command, Enum,
                       EnumValue, Event, Member, Object, Variant)
from .error import QapiError
from .names import to_camel
from .source import read_schema

KEYS = {
    'enum': ({'enum', 'data'}, {'if', 'features', 'prefix'}),
    'struct': ({'struct', 'data'}, {'base', 'if', 'features'}),
    'union': ({'union', 'base', 'discriminator', 'data'},
              {'if', 'features'}),
    'alternate': ({'alternate', 'data'}, {'if', 'features'}),
    'command': ({'command'}, {'data', 'returns', 'boxed', 'gen', 'allow-oob',
                              'allow-preconfig', 'coroutine', 'if',
                              'features', 'success-response'}),
    'event': ({'event'}, {'data', 'boxed', 'if', 'features'}),
}


class Schema:
    """All entities by name, commands and events in the order of the files.

    types: name -> entity, in order of definition (lists when first used).
    order: free Doc blocks and entities as written, for the reference page.
    """

    def __init__(self, path):
        exprs, found, self.files = read_schema(path)
        self.types = {name: Builtin(name) for name in BUILTINS}
        self.commands = []
        self.events = []
        self.order = []
        self.transaction = None
        self.doc_required = True
        self.empty = Object('q_empty', None, None, [], None, implicit=True)
        by_expr = {}
        for expr in exprs:
            if 'pragma' in expr.data:
                self._pragma(expr)
        for expr in exprs:
            if 'pragma' not in expr.data:
                by_expr[id(expr)] = self._define(expr)
        for entity in by_expr.values():
            self._link(entity)
        for entity in by_expr.values():
            self._finish(entity)
        for item in found:
            if id(item) in by_expr:
                self.order.append(by_expr[id(item)])
            elif not hasattr(item, 'data'):
                self.order.append(item)
        if self.transaction:
            self._check_transaction()

    # Reading

    def _pragma(self, expr):
        pragma = expr.data['pragma']
        if len(expr.data) != 1 or not isinstance(pragma, dict):
            raise QapiError(expr.place, "'pragma' takes an object")
        for key, value in pragma.items():
            if key == 'transaction-union' and isinstance(value, str):
                self.transaction = (value, expr.place)
            elif key == 'doc-required' and isinstance(value, bool):
                self.doc_required = value
            else:
                raise QapiError(expr.place, f"unknown pragma '{key}'")

    def _define(self, expr):
        metas = [m for m in KEYS if m in expr.data]
        if len(metas) != 1:
            raise QapiError(expr.place, 'expected exactly one of '
                            + ', '.join(f"'{m}'" for m in KEYS))
        meta = metas[0]
        name = expr.data[meta]
        check_name(name, expr.place, meta)
        check_keys(expr.data, expr.place, f"{meta} '{name}'", *KEYS[meta])
        check_condition(expr.data.get('if'), expr.place)
        self._check_doc_symbol(expr, name)
        entity = getattr(self, '_define_' + meta)(name, expr)
        entity.place, entity.doc = expr.place, expr.doc
        entity.cond = expr.data.get('if')
        entity.features = check_features(expr.data.get('features', []),
                                         expr.place)
        if meta in ('command', 'event'):
            known = self.commands if meta == 'command' else self.events
            if any(e.name == name for e in known):
                raise QapiError(expr.place, f"{meta} '{name}' is defined "
                                            'twice')
            known.append(entity)
        else:
            self._add_type(entity, expr.place)
        return entity

    def _check_doc_symbol(self, expr, name):
        if expr.doc is None:
            if self.doc_required:
                raise QapiError(expr.place, f"'{name}' has no documentation")
        elif expr.doc.symbol != name:
            raise QapiError(expr.doc.place,
                            f"documentation of '{expr.doc.symbol}' stands "
                            f"before '{name}'")

    def _add_type(self, entity, place):
        if entity.name in self.types:
            raise QapiError(place, f"type '{entity.name}' is defined twice")
        self.types[entity.name] = entity

    def _define_enum(self, name, expr):
        values = []
        for item in check_list(expr.data['data'], expr.place, 'data'):
            if isinstance(item, str):
                item = {'name': item}
            if not isinstance(item, dict):
                raise QapiError(expr.place, 'an enum value is a name or an '
                                            'object with a name')
            check_keys(item, expr.place, 'enum value', {'name'},
                       {'if', 'features'})
            check_condition(item.get('if'), expr.place)
            value = item['name']
            check_name(value, expr.place, 'value', digits=True)
            if any(v.name == value for v in values):
                raise QapiError(expr.place,
                                f"value '{value}' is given twice")
            values.append(EnumValue(value, item.get('if'), check_features(
                item.get('features', []), expr.place)))
        return Enum(name, values, expr.data.get('prefix'))

    def _members(self, data, place, what):
        if not isinstance(data, dict):
            raise QapiError(place, f"{what} takes an object of members")
        members = []
        for key, value in data.items():
            name, optional = split_member(key, place)
            if not isinstance(value, dict):
                value = {'type': value}
            check_keys(value, place, f"member '{name}'", {'type'},
                       {'if', 'features'})
            check_condition(value.get('if'), place)
            if any(m.name == name for m in members):
                raise QapiError(place, f"member '{name}' is given twice")
            members.append(Member(name, value['type'], optional,
                                  value.get('if'), check_features(
                                      value.get('features', []), place)))
        return members

    def _define_struct(self, name, expr):
        members = self._members(expr.data['data'], expr.place, f"'{name}'")
        return Object(name, expr.data.get('base'), None, members, None)

    def _arms(self, name, expr):
        data = expr.data['data']
        if not isinstance(data, dict) or not data:
            raise QapiError(expr.place, f"'{name}' has no branches")
        arms = []
        for key, value in data.items():
            check_name(key, expr.place, 'branch', digits=True)
            if isinstance(value, (str, list)):
                value = {'type': value}
            if not isinstance(value, dict):
                raise QapiError(expr.place, f"branch '{key}' takes a type")
            check_keys(value, expr.place, f"branch '{key}'", {'type'}, {'if'})
            check_condition(value.get('if'), expr.place)
            arms.append(Variant(key, value['type'], value.get('if')))
        return arms

    def _define_union(self, name, expr):
        base = expr.data['base']
        members = []
        if isinstance(base, dict):
            members, base = self._members(base, expr.place, "'base'"), None
        return Object(name, base, expr.data['discriminator'], members,
                      self._arms(name, expr))

    def _define_alternate(self, name, expr):
        return Alternate(name, self._arms(name, expr))

    def _arguments(self, expr, implicit_name):
        data = expr.data.get('data')
        if data is None:
            return None
        if isinstance(data, dict):
            if expr.data.get('boxed'):
                raise QapiError(expr.place, "'boxed' needs a named type")
            entity = Object(implicit_name, None, None,
                            self._members(data, expr.place, "'data'"), None,
                            implicit=True)
            entity.place = expr.place
            self._add_type(entity, expr.place)
            return entity
        return data

    def _define_command(self, name, expr):
        for flag in ('boxed', 'gen', 'allow-oob', 'allow-preconfig',
                     'coroutine', 'success-response'):
            if not isinstance(expr.data.get(flag, True), bool):
                raise QapiError(expr.place, f"'{flag}' is true or false")
        return Command(name,
                       self._arguments(expr, f'Qmp{to_camel(name)}Args'),
                       expr.data)

    def _define_event(self, name, expr):
        if not re.fullmatch(r'[A-Z][A-Z0-9_]*', name):
            raise QapiError(expr.place, f"event '{name}' is not in capitals")
        return Event(name, self._arguments(expr, f'QapiEvent{to_camel(name)}'))

    # Linking

    def resolve(self, ref, place):
        """The entity of a type written as 'T' or ['T']."""
        if isinstance(ref, list):
            if len(ref) != 1:
                raise QapiError(place, 'a list type names one type')
            element = self.resolve(ref[0], place)
            if isinstance(element, Array):
                raise QapiError(place, 'a list of lists is not supported')
            array = Array(element)
            return self.types.setdefault(array.name, array)
        if not isinstance(ref, str) or ref not in self.types:
            raise QapiError(place, f"there is no type '{ref}'")
        return self.types[ref]

    def _object(self, ref, place, what):
        entity = ref if isinstance(ref, Object) else self.resolve(ref, place)
        if not isinstance(entity, Object):
            raise QapiError(place, f"{what} '{entity.name}' is not a struct "
                                   'or union')
        return entity

    def _link(self, entity):
        place = entity.place
        if isinstance(entity, Object):
            if entity.base is not None:
                entity.base = self._object(entity.base, place, 'base')
            for member in entity.members:
                member.type = self.resolve(member.type, place)
            for arm in entity.variants or []:
                arm.type = self._object(arm.type, place, 'branch type')
        elif isinstance(entity, Alternate):
            for arm in entity.variants:
                arm.type = self.resolve(arm.type, place)
        elif isinstance(entity, (Command, Event)):
            if entity.args is not None:
                entity.args = self._object(entity.args, place, 'data')
                if entity.args.implicit:
                    self._link(entity.args)
            if isinstance(entity, Command) and entity.ret is not None:
                entity.ret = self.resolve(entity.ret, place)

    # Checks that need linked types

    def _finish(self, entity):
        if isinstance(entity, Object):
            self._finish_object(entity)
        elif isinstance(entity, Alternate):
            self._finish_alternate(entity)
        elif isinstance(entity, (Command, Event)):
            if entity.args and entity.args.implicit:
                self._finish_object(entity.args)
            if isinstance(entity, Command):
                entity.check_return()
        self._check_doc_members(entity)

    def _finish_object(self, entity):
        names, seen = set(), [entity]
        base = entity.base
        while base:
            if base in seen:
                raise QapiError(entity.place, f"'{entity.name}' is its own "
                                              'base')
            seen.append(base)
            if base.variants:
                raise QapiError(entity.place, f"base '{base.name}' is a "
                                              'union')
            base = base.base
        for member in entity.all_members():
            if member.name in names:
                raise QapiError(entity.place, f"member '{member.name}' of "
                                f"'{entity.name}' is defined twice")
            names.add(member.name)
        if entity.variants is not None:
            self._finish_union(entity, names)

    def _finish_union(self, entity, names):
        tags = [m for m in entity.all_members() if m.name == entity.tag_name]
        if not tags or not isinstance(tags[0].type, Enum) or \
                tags[0].optional:
            raise QapiError(entity.place, f"discriminator '{entity.tag_name}'"
                            ' is not a mandatory enum member of the base')
        entity.tag = tags[0]
        values = [v.name for v in entity.tag.type.values]
        for arm in entity.variants:
            if arm.name not in values:
                raise QapiError(entity.place, f"branch '{arm.name}' is not a "
                                f"value of '{entity.tag.type.name}'")
            if arm.type.variants is not None:
                raise QapiError(entity.place, f"branch '{arm.name}' is a "
                                              'union')
            for member in arm.type.all_members():
                if member.name in names:
                    raise QapiError(entity.place, f"member '{member.name}' of"
                                    f" branch '{arm.name}' is in the base")

    def _finish_alternate(self, entity):
        seen = {}
        for arm in entity.variants:
            json = arm.type.json_type()
            if json in seen or json == 'value' or \
                    {'int', 'number'} <= seen.keys() | {json}:
                raise QapiError(entity.place, f"branch '{arm.name}' cannot be"
                                ' told from the others')
            seen[json] = arm

    def _check_doc_members(self, entity):
        doc = entity.doc
        if doc is None:
            return
        known = entity.doc_names()
        for name in doc.members:
            if name not in known:
                raise QapiError(doc.place, f"'@{name}:' describes nothing of "
                                           f"'{entity.name}'")
        features = entity.doc_features()
        for name in doc.features:
            if name not in features:
                raise QapiError(doc.place, f"'@{name}:' is not a feature of "
                                           f"'{entity.name}'")
        missing = [n for n in known if n not in doc.members]
        if missing and self.doc_required:
            raise QapiError(doc.place, f"'{missing[0]}' of '{entity.name}' is "
                                       'not described')

    def _check_transaction(self):
        name, place = self.transaction
        entity = self.resolve(name, place)
        if not isinstance(entity, Object) or entity.variants is None:
            raise QapiError(place, f"'{name}' is not a union")
        self.transaction = entity
