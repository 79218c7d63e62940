/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <functional>

#include "ns3/inet-socket-address.h"
#include "ns3/node.h"

/// DCTCP for all sockets. ns-3's timestamps count milliseconds: round trips of microseconds are measured only
/// without them.
void SetTransportDefaults(uint32_t mtu, bool timestamps);

/// Takes every connection to a host's port; `arrived` hears what each sender's bytes are as they are read.
using Arrival = std::function<void(const ns3::InetSocketAddress& sender, uint32_t bytes)>;
void Listen(ns3::Ptr<ns3::Node> host, uint16_t port, const Arrival& arrived);
