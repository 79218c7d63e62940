/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include "ns3/queue-disc.h"

/// A switch or host port: strict-priority bands that share one droptail buffer. Each band marks at a
/// threshold of its own length, as DCTCP asks for (Alizadeh et al., 2010, §3.1); packets that are not
/// ECN-capable wait like others instead of being dropped there, as ns-3's RED would do.
///
/// The band is in the upper three bits of the type-of-service byte: 0 leaves first.
class PriorityPort : public ns3::QueueDisc {
 public:
  static ns3::TypeId GetTypeId();
  PriorityPort();

  /// What a packet of this band carries.
  static uint8_t TypeOfService(uint32_t band) { return static_cast<uint8_t>(band << 5); }
  static constexpr uint32_t kMostBands = 8;

 private:
  bool DoEnqueue(ns3::Ptr<ns3::QueueDiscItem> item) override;
  ns3::Ptr<ns3::QueueDiscItem> DoDequeue() override;
  bool CheckConfig() override;
  void InitializeParams() override {}

  uint32_t m_bands;
  uint32_t m_markBytes;
  uint32_t m_bufferBytes;
};
