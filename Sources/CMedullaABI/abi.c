/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
#include "CMedullaABI.h"
/* All functions are inline in the headers; this file gives the target something to compile. */
