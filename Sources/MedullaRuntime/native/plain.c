/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The shape's inference in plain C of narrow types, for this machine. */
#include "shape.h"

#define entry_network medulla_network
#define entry_memory medulla_memory
#define ENTRY_FIELDS MEDULLA_FIELDS
#define entry_rows medulla_infer

#include "entries.h"
