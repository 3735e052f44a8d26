/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program: which scenario, which seeds.
 *
 * A process plays many runs after each other; what one leaves behind would be
 * found by the next, or by the same seed run again (--twice).
 */
#include "scenarios.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

static const SimScenario *const scenarios[] = {
    &scenario_writes,  &scenario_bitmaps,      &scenario_converge,
    &scenario_quiesce, &scenario_resize,       &scenario_backup,
    &scenario_exports, &scenario_fleecing,     &scenario_lease,
    &scenario_chain,   &scenario_frozen_crash, &scenario_mirror,
    &scenario_point,   &scenario_qcow2,        &scenario_crash,
};

static char *plant_name;
static gboolean all, print_trace, twice, count_memory;
static gint64 first_seed, seeds = 1;
static int seconds;

static const GOptionEntry options[] = {
    {"seed", 0, 0, G_OPTION_ARG_INT64, &first_seed, "The (first) seed", "N"},
    {"seeds", 0, 0, G_OPTION_ARG_INT64, &seeds, "How many from there on", "N"},
    {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds,
     "As many as fit into that time", "S"},
    {"all", 0, 0, G_OPTION_ARG_NONE, &all, "All scenarios", NULL},
    {"trace", 0, 0, G_OPTION_ARG_NONE, &print_trace,
     "Print everything that happens", NULL},
    {"twice", 0, 0, G_OPTION_ARG_NONE, &twice,
     "Run each seed twice; fail if the traces differ", NULL},
    {"memory", 0, 0, G_OPTION_ARG_NONE, &count_memory,
     "With --twice: fail if the second run left memory. Wants G_SLICE="
     "always-malloc and GLIBC_TUNABLES=glibc.malloc.tcache_count=0",
     NULL},
    {"plant", 0, 0, G_OPTION_ARG_STRING, &plant_name, "Turn on a planted fault",
     "NAME"},
    {NULL},
};

static double seconds_of(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

/* What the first run leaves behind are caches and interned words; the second
 * one leaves nothing more. */
static void run_again(const SimScenario *scenario, uint64_t seed)
{
    uint64_t hash = sim_trace_hash();
    size_t bytes = mallinfo2().uordblks;

    sim_run(scenario, seed, false);
    sim_check(hash == sim_trace_hash(), "two runs, two traces");
    bytes = mallinfo2().uordblks - bytes;
    sim_check(!count_memory || (int64_t)bytes <= 0,
              "%zu bytes of memory are left", bytes);
}

static void run_seed(const SimScenario *scenario, uint64_t seed)
{
    sim_run(scenario, seed, print_trace);
    if (twice) {
        run_again(scenario, seed);
    }
}

/* Prints a line when it is done; a fault ends the program. */
static void run_scenario(const SimScenario *scenario, double budget_s)
{
    double start = seconds_of(CLOCK_MONOTONIC);
    double start_cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t events = 0, requests = sim_disk_requests();
    gint64 n = 0;

    while (budget_s > 0 ? seconds_of(CLOCK_MONOTONIC) - start < budget_s
                        : n < seeds) {
        run_seed(scenario, first_seed + n++);
        events += sim_trace_count();
    }
    requests = sim_disk_requests() - requests;
    printf("%-12s %6" PRId64 " seeds, %5.0f a second of the processor, %5.0f "
           "requests and %5.0f events each, last trace %016" PRIx64 "\n",
           scenario->name, n,
           n / (seconds_of(CLOCK_PROCESS_CPUTIME_ID) - start_cpu),
           (double)requests / n, (double)events / n, sim_trace_hash());
    fflush(stdout);
}

static const SimScenario *find_scenario(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        if (!strcmp(scenarios[i]->name, name)) {
            return scenarios[i];
        }
    }
    return NULL;
}

static int usage(void)
{
    fprintf(stderr, "Usage: sim SCENARIO|--all [--seed N] [--seeds N] "
                    "[--seconds S] [--trace] [--twice] [--memory] "
                    "[--plant NAME]\n");
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        fprintf(stderr, "  %-12s %s\n", scenarios[i]->name,
                scenarios[i]->about);
    }
    return 2;
}

int main(int argc, char **argv)
{
    GOptionContext *context = g_option_context_new("[SCENARIO]");
    GError *error = NULL;

    g_option_context_add_main_entries(context, options, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "sim: %s\n", error->message);
        return 2;
    }
    g_option_context_free(context);
    if (all ? argc != 1 : argc != 2 || !find_scenario(argv[1])) {
        return usage();
    }
    /* What a run frees the next one takes: nothing goes back to the kernel. */
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    sim_scheduler_init();
    sim_plant(plant_name);
    for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
        if (all || scenarios[i] == find_scenario(argv[1])) {
            run_scenario(scenarios[i],
                         all ? (double)seconds / ARRAY_SIZE(scenarios)
                             : seconds);
        }
    }
    return 0;
}
