/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
#include "CCongestion.h"
/* All functions are inline in the header; this file gives the target something to compile. */
