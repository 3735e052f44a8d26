# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-events.h/.c: the enum of all events, and one function per event that
hands its data to qapi_event_emit().
"""

from .check import guarded
from .names import c_name, c_string
from .output import write_header, write_source


def prototype(event):
    args = f'const {event.args.name} *data' if event.args else 'void'
    return f'void qapi_event_{c_name(event.name.lower())}({args})'


def constant(event):
    return f'QAPI_EVENT_{event.name}'


def generate(schema, directory):
    header = '#include "qapi/qapi-types.h"\n\ntypedef enum QAPIEvent {\n'
    names, protos, bodies = '', '', ''
    for event in schema.events:
        header += guarded(event.cond, f'    {constant(event)},\n')
        names += guarded(event.cond, f'    [{constant(event)}] = '
                                     f'{c_string(event.name)},\n')
        protos += guarded(event.cond, prototype(event) + ';\n')
        data = f'{event.args.name}_to_json(data)' if event.args else 'NULL'
        bodies += guarded(event.cond, f'{prototype(event)}\n{{\n'
                          f'    qapi_event_emit({constant(event)}, {data});\n'
                          '}\n\n')
    header += f'''    QAPI_EVENT__MAX,
}} QAPIEvent;

const char *QAPIEvent_str(QAPIEvent event);

/* Hands an event to the sink; takes ownership of @data, which is NULL for an
 * event without data. Control thread, does not yield. In qapi/event-sink.c. */
void qapi_event_emit(QAPIEvent event, json_object *data);

{protos}'''
    write_header(directory, 'qapi-events.h', header)
    write_source(directory, 'qapi-events.c', f'''\
#include "qapi/qapi-events.h"

static const char *const names[QAPI_EVENT__MAX] = {{
{names}}};

const char *QAPIEvent_str(QAPIEvent event)
{{
    assert(event < QAPI_EVENT__MAX);
    return names[event];
}}

{bodies}''')
