/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers query-qmp-schema from the text that the generator made. */
#include "qapi/qapi-commands.h"
#include "util/json/json-parse.h"

json_object *qmp_query_qmp_schema(Error **errp)
{
    return json_parse_string(qmp_schema_json, errp);
}
