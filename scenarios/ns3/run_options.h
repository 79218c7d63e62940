/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <string>

#include "inference_server.h"
#include "leaf_spine.h"
#include "ns3/command-line.h"

/// What the command lines of all scenarios have.
struct RunOptions {
  LeafSpine::Options fabric;
  InferenceServer::Options server;
  std::string flows;
  /// Simulated time after the last arrival in which flows may still finish.
  uint32_t patienceMs = 2000;
  uint32_t latencyNs = 0;

  void AddValues(ns3::CommandLine& line);
  /// After the line was read. Throws `std::runtime_error` when the fabric cannot be built.
  void Complete();
};
