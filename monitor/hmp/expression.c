/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions of the monitor: numbers, characters, + - * / % & | ^ ~ and
 * parentheses. Those of bits bind closer than sums, as in QEMU. There are no
 * registers.
 */
#include <errno.h>

#include "monitor/hmp/hmp-int.h"

/* Parentheses within each other: more are no expression of a person. */
#define DEPTH_MAX 100

typedef struct Expression {
    Hmp *hmp;
    const char *p;
    unsigned depth;
} Expression;

static bool sum(Expression *e, int64_t *value);

static bool wrong(Expression *e, const char *text)
{
    hmp_printf(e->hmp, "%s\n", text);
    return false;
}

static void next(Expression *e)
{
    if (*e->p) {
        do {
            e->p++;
        } while (g_ascii_isspace(*e->p));
    }
}

static bool number(Expression *e, int64_t *value)
{
    char *end;

    errno = 0;
    *value = g_ascii_strtoull(e->p, &end, 0);
    if (errno == ERANGE) {
        return wrong(e, "number too large");
    }
    if (end == e->p) {
        hmp_printf(e->hmp, "invalid char '%c' in expression\n", *e->p);
        return false;
    }
    e->p = end;
    while (g_ascii_isspace(*e->p)) {
        e->p++;
    }
    return true;
}

static bool character(Expression *e, int64_t *value)
{
    e->p++;
    if (!*e->p) {
        return wrong(e, "character constant expected");
    }
    *value = (unsigned char)*e->p++;
    if (*e->p != '\'') {
        return wrong(e, "missing terminating ' character");
    }
    next(e);
    return true;
}

static bool parenthesis(Expression *e, int64_t *value)
{
    next(e);
    if (!sum(e, value)) {
        return false;
    }
    if (*e->p != ')') {
        return wrong(e, "')' expected");
    }
    next(e);
    return true;
}

static bool operand(Expression *e, int64_t *value)
{
    switch (*e->p) {
    case '(':
        return parenthesis(e, value);
    case '\'':
        return character(e, value);
    case '$':
        return wrong(e, "unknown register");
    case '\0':
        return wrong(e, "unexpected end of expression");
    default:
        return number(e, value);
    }
}

static bool unary(Expression *e, int64_t *value)
{
    char sign = *e->p;
    bool ok;

    if (++e->depth > DEPTH_MAX) {
        return wrong(e, "too many parentheses in expression");
    }
    if (sign == '+' || sign == '-' || sign == '~') {
        next(e);
        ok = unary(e, value);
        if (ok && sign != '+') {
            *value = sign == '-' ? -(uint64_t)*value : ~(uint64_t)*value;
        }
    } else {
        ok = operand(e, value);
    }
    e->depth--;
    return ok;
}

static bool product(Expression *e, int64_t *value)
{
    if (!unary(e, value)) {
        return false;
    }
    while (*e->p && strchr("*/%", *e->p)) {
        char op = *e->p;
        int64_t right;

        next(e);
        if (!unary(e, &right)) {
            return false;
        }
        if (op == '*') {
            *value = (uint64_t)*value * (uint64_t)right;
        } else if (!right) {
            return wrong(e, "division by zero");
        } else if (right == -1) {
            /* The machine's division traps at the smallest number. */
            *value = op == '/' ? -(uint64_t)*value : 0;
        } else {
            *value = op == '/' ? *value / right : *value % right;
        }
    }
    return true;
}

static bool bits(Expression *e, int64_t *value)
{
    if (!product(e, value)) {
        return false;
    }
    while (*e->p && strchr("&|^", *e->p)) {
        char op = *e->p;
        int64_t right;

        next(e);
        if (!product(e, &right)) {
            return false;
        }
        *value = op == '&'   ? *value & right
                 : op == '|' ? *value | right
                             : *value ^ right;
    }
    return true;
}

static bool sum(Expression *e, int64_t *value)
{
    if (!bits(e, value)) {
        return false;
    }
    while (*e->p == '+' || *e->p == '-') {
        bool plus = *e->p == '+';
        int64_t right;

        next(e);
        if (!bits(e, &right)) {
            return false;
        }
        *value = (uint64_t)*value + (plus ? (uint64_t)right : -(uint64_t)right);
    }
    return true;
}

bool hmp_expression(Hmp *hmp, const char **p, int64_t *value)
{
    Expression e = {hmp, *p, 0};
    bool ok;

    while (g_ascii_isspace(*e.p)) {
        e.p++;
    }
    ok = sum(&e, value);
    *p = e.p;
    return ok;
}
