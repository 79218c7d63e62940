/* SPDX-License-Identifier: Apache-2.0 */
/* What tests that send frames need and Swift cannot call. */
#pragma once

/* A socket that sends frames out of an interface of this network namespace, and with `listens` gets what
 * comes in there, for two seconds at most; -errno when there is none. */
int wire_open(const char *interface, int listens);

/* Keeps this thread on one processor; 0 or -errno. */
int wire_run_on(int processor);
