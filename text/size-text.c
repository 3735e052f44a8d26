/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as text: see size-text.h. */
#include "text/size-text.h"

#include <math.h>
#include <stdlib.h>

#include "util/error.h"

static const char *const units[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};

char *size_text_short(uint64_t bytes)
{
    double value = bytes;
    unsigned unit = 0;

    /* Three digits never need a fourth place or an exponent. */
    while (value >= 1000 && unit + 1 < ARRAY_SIZE(units)) {
        value /= 1024;
        unit++;
    }
    return g_strdup_printf("%0.3g %sB", value, units[unit]);
}

char *size_text_exact(double bytes)
{
    unsigned unit = 0;
    char number[32];
    char *zeroes;

    if (bytes < 1024) {
        return g_strdup_printf(
            bytes == floor(bytes) ? "%.0f bytes" : "%f bytes", bytes);
    }
    while (bytes >= 1024 && unit + 1 < ARRAY_SIZE(units)) {
        bytes /= 1024;
        unit++;
    }
    g_snprintf(number, sizeof(number), "%.3f", bytes);
    zeroes = strstr(number, ".000");
    if (zeroes) {
        *zeroes = '\0';
    }
    return g_strdup_printf("%s %sB", number, units[unit]);
}

/* The power of 1024 that @suffix stands for, or -1. */
static int suffix_power(char suffix)
{
    static const char letters[] = "BKMGTPE";
    const char *at = strchr(letters, g_ascii_toupper(suffix));

    return suffix && at ? at - letters : -1;
}

void size_text_refuse(SizeParse why, const char *name, const char *text,
                      Error **errp)
{
    if (why == SIZE_TOO_LARGE) {
        error_set(errp, "Value '%s' is out of range for parameter '%s'", text,
                  name);
        return;
    }
    error_set(errp, "Parameter '%s' expects a non-negative number below 2^64",
              name);
    error_append_hint(errp, "Optional suffix k, M, G, T, P or E means "
                            "kilo-, mega-, giga-, tera-, peta-\n"
                            "and exabytes, respectively.\n");
}

bool size_text_beyond_64_bits(const char *text)
{
    char *end;
    double number = g_ascii_strtod(text, &end);
    int power = *end ? suffix_power(*end) : 0;

    return ldexp(number, 10 * MAX(power, 0)) >= 0x1p64;
}

/* The end of a number, from its fraction or suffix on: @whole with that. */
static SizeParse parse_end(const char *text, uint64_t whole, const char *rest,
                           uint64_t *bytes)
{
    char *end = (char *)rest;
    double fraction = *rest == '.' ? g_ascii_strtod(rest, &end) : 0;
    int power = 0;
    double scaled;
    uint64_t part;

    if (end == rest && *rest == '.') {
        end++; /* "1.k" */
    }
    if (*end) {
        power = suffix_power(*end);
        if (power < 0 || end[1]) {
            return SIZE_INVALID;
        }
    }
    if (*end && !g_ascii_strncasecmp(text, "0x", 2)) {
        warn_report("Using a multiplier suffix on hex numbers is deprecated: "
                    "%s",
                    text);
    }
    if ((fraction > 0 && power < 1) || fraction < 0 || fraction >= 1) {
        return SIZE_INVALID;
    }
    if (whole > INT64_MAX >> (10 * power)) {
        return SIZE_TOO_LARGE;
    }
    scaled = fraction * (double)(UINT64_C(1) << (10 * power));
    part = scaled;
    part += scaled - (double)part >= 0.5;
    *bytes = (whole << (10 * power)) + part;
    return *bytes > INT64_MAX ? SIZE_TOO_LARGE : SIZE_OK;
}

SizeParse size_text_parse(const char *text, uint64_t *bytes)
{
    uint64_t whole;
    char *end;
    bool hex;

    while (g_ascii_isspace(*text)) {
        text++; /* as strtoull has it */
    }
    if (text[0] == '+' && g_ascii_isdigit(text[1])) {
        text++;
    }
    if (!g_ascii_isdigit(text[0])) {
        return SIZE_INVALID;
    }
    hex = !g_ascii_strncasecmp(text, "0x", 2);
    errno = 0;
    whole = g_ascii_strtoull(text, &end, hex ? 16 : 10);
    if (hex && *end == '.') {
        return SIZE_INVALID;
    }
    return errno == ERANGE ? SIZE_TOO_LARGE
                           : parse_end(text, whole, end, bytes);
}
