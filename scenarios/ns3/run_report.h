/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdio>
#include <memory>
#include <vector>

#include "inference_server.h"
#include "leaf_spine.h"

/// The last line of a run: what the whole of it counted.
void WriteTotals(FILE* file, const char* digest, const LeafSpine& fabric,
                 const std::vector<std::unique_ptr<InferenceServer>>& servers, double wallSeconds);
