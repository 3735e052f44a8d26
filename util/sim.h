/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the simulator (docs/devel/sim.md) reaches into the product. In every
 * other build both are the constant false, and the compiler drops them.
 *
 * PLANTED("name"): the code that stands behind it is wrong on purpose; the
 * simulator turns one such fault on at a time, to prove that it finds it.
 *
 * CHANCE("site"): now and then true, as the seed wants: for things that are
 * allowed but rare, such as a cache that is full or memory that is out. What
 * stands behind it must be right.
 */
#ifndef UTIL_SIM_H
#define UTIL_SIM_H

#ifdef TIDEMARK_SIM
#include <stdbool.h>

bool sim_planted(const char *name);
bool sim_chance(const char *site);
#define PLANTED(name) sim_planted(name)
#define CHANCE(site) sim_chance(site)
#else
#define PLANTED(name) false
#define CHANCE(site) false
#endif

#endif
