/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one source of chance, and the sites in the product that ask for it. */
#include "sim.h"

static uint64_t state;
static const char *plant;
static unsigned planted_count;

void sim_rand_seed(uint64_t seed)
{
    state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    planted_count = 0;
}

/* A counter, mixed: every seed is good, also 0. */
uint64_t sim_rand(void)
{
    uint64_t x = state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

uint64_t sim_below(uint64_t n)
{
    assert(n);
    return sim_rand() % n;
}

bool sim_percent(unsigned percent)
{
    return percent && sim_below(100) < percent;
}

void sim_plant(const char *name)
{
    plant = name;
}

unsigned sim_planted_count(void)
{
    return planted_count;
}

bool sim_planted(const char *name)
{
    if (LIKELY(!plant) || strcmp(plant, name)) {
        return false;
    }
    planted_count++;
    return true;
}

bool sim_chance(const char *site)
{
    bool yes = sim_percent(5);

    if (yes) {
        sim_trace("chance", g_str_hash(site), 0, 0);
    }
    return yes;
}
