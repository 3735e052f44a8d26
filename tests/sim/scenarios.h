/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All scenarios; main.c lists them. */
#ifndef TESTS_SIM_SCENARIOS_H
#define TESTS_SIM_SCENARIOS_H

#include "sim.h"

extern const SimScenario scenario_writes;
extern const SimScenario scenario_bitmaps;
extern const SimScenario scenario_converge;
extern const SimScenario scenario_quiesce;
extern const SimScenario scenario_resize;
extern const SimScenario scenario_backup;
extern const SimScenario scenario_exports;
extern const SimScenario scenario_fleecing;
extern const SimScenario scenario_lease;
extern const SimScenario scenario_chain;
extern const SimScenario scenario_frozen_crash;
extern const SimScenario scenario_mirror;
extern const SimScenario scenario_point;
extern const SimScenario scenario_qcow2;
extern const SimScenario scenario_crash;

#endif
