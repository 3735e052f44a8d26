/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * print: the monitor reckons.
 */
#include "monitor/hmp/commands.h"

static void print_char(Hmp *hmp, int64_t value)
{
    static const char escaped[] = "\n\r\\'", *at;

    at = value > 0 && value < 0x80 ? strchr(escaped, (char)value) : NULL;
    if (at) {
        hmp_printf(hmp, "'\\%c'\n", "nr\\'"[at - escaped]);
    } else if (value >= 32 && value <= 126) {
        hmp_printf(hmp, "'%c'\n", (char)value);
    } else {
        hmp_printf(hmp, "'\\x%02" PRIx64 "'\n", value);
    }
}

static void co_print(Hmp *hmp, json_object *args)
{
    int64_t value = hmp_int(args, "val", 0);

    switch (*hmp_str(args, "fmt")) {
    case 'o':
        hmp_printf(hmp, "%#" PRIo64 "\n", value);
        break;
    case 'u':
        hmp_printf(hmp, "%" PRIu64 "\n", value);
        break;
    case 'c':
        print_char(hmp, value);
        break;
    case 'd':
    case 'i':
        hmp_printf(hmp, "%" PRId64 "\n", value);
        break;
    default:
        hmp_printf(hmp, "%#" PRIx64 "\n", value);
    }
}

const HmpCommand hmp_print = {
    .name = "print|p",
    .args = {{"fmt", HMP_FORMAT}, {"val", HMP_LONG}},
    .params = "/fmt expr",
    .help = "print expression value (use $reg for CPU register access)",
    .co_run = co_print,
};
