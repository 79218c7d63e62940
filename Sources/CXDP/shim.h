// SPDX-License-Identifier: Apache-2.0
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <xdp/xsk.h>
