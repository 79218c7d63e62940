/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* The controller that the kernel program includes, for Swift: one source, two datapaths. */
#pragma once
#include "../../MedullaDatapath/bpf/congestion_control.h"
