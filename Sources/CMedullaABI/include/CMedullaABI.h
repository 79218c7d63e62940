/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0 */
/* What the kernel's programs and Swift share, for Swift: one source, every datapath. */
#pragma once
#include "intf.h"
#include "congestion_control.h"
#include "congestion_intf.h"
#include "congestion_record.h"
#include "packet_intf.h"
#include "flow_features.h"
#include "flow_feature_list.h"
#include "flow_inputs.h"
#include "classifier_intf.h"
#include "first_packets.h"
#include "scheduling_intf.h"
#include "paths_intf.h"
#include "path_features.h"
