/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sub-commands of `tidemark`. Each takes its own argv (argv[0] is the
 * sub-command or the compat name), runs on the main thread, makes its own
 * reactor, and returns the exit status.
 */
#ifndef TOOLS_TOOLS_H
#define TOOLS_TOOLS_H

int tool_daemon_main(int argc, char **argv);
int tool_machine_main(int argc, char **argv);
int tool_img_main(int argc, char **argv);
int tool_nbd_main(int argc, char **argv);
int tool_io_main(int argc, char **argv);
int tool_monitor_main(int argc, char **argv);

#endif
