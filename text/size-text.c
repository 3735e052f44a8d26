/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes as text: see size-text.h. */
#include "text/size-text.h"

#include <math.h>
#include <stdlib.h>

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

static SizeParse parse_fraction(const char *text, uint64_t *bytes)
{
    char *end;
    double value = g_ascii_strtod(text, &end);
    int power = suffix_power(*end);

    if (power < 1 || end[1] || !isfinite(value)) {
        return SIZE_INVALID;
    }
    value *= (double)(UINT64_C(1) << (10 * power));
    if (value < 0 || value >= 0x1p63) {
        return SIZE_TOO_LARGE;
    }
    *bytes = value;
    return SIZE_OK;
}

SizeParse size_text_parse(const char *text, uint64_t *bytes)
{
    uint64_t value;
    int power = 0;
    char *end;

    if (text[0] == '+' && g_ascii_isdigit(text[1])) {
        text++; /* as strtoull has it */
    }
    if (!g_ascii_isdigit(text[0])) {
        return text[0] == '-' && g_ascii_isdigit(text[1]) ? SIZE_TOO_LARGE
                                                          : SIZE_INVALID;
    }
    if (text[strspn(text, "0123456789")] == '.') {
        return parse_fraction(text, bytes);
    }
    errno = 0;
    value = g_ascii_strtoull(text, &end,
                             g_ascii_strncasecmp(text, "0x", 2) ? 10 : 16);
    if (errno == ERANGE) {
        return SIZE_TOO_LARGE;
    }
    if (*end) {
        power = suffix_power(*end);
        if (power < 0 || end[1]) {
            return SIZE_INVALID;
        }
    }
    if (value > INT64_MAX >> (10 * power)) {
        return SIZE_TOO_LARGE;
    }
    *bytes = value << (10 * power);
    return SIZE_OK;
}
