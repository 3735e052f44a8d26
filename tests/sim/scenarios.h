/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All scenarios; main.c lists them. */
#ifndef TESTS_SIM_SCENARIOS_H
#define TESTS_SIM_SCENARIOS_H

#include "sim.h"

extern const SimScenario scenario_writes;

#endif
