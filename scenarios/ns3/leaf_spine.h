/* SPDX-License-Identifier: GPL-2.0 */
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "ns3/ipv4-routing-protocol.h"
#include "ns3/ipv4.h"
#include "ns3/node-container.h"
#include "ns3/queue-disc.h"

/// Routes of one node: down by the destination; up by the path that the packet names, else by a hash of the
/// flow's addresses and ports (ECMP). A host has one way up.
class LeafSpineRouting : public ns3::Ipv4RoutingProtocol {
 public:
  static ns3::TypeId GetTypeId();

  void AddDown(ns3::Ipv4Address host, uint32_t interface) { m_down[host.Get()] = interface; }
  void AddUp(uint32_t interface) { m_up.push_back(interface); }

  /// What a host's module at the output hook writes into a TCP packet's type-of-service byte, above the two
  /// bits of ECN; it is given the packet's source port and its payload in bytes. TCP sockets of ns-3 lose ECN
  /// when an application sets that byte, so the hook is below them, as the kernel's is.
  using OutputHook = std::function<uint8_t(uint16_t port, uint32_t payload)>;
  void SetOutputHook(OutputHook hook) { m_hook = std::move(hook); }

  /// Paths are named in the type-of-service byte, below the priority: 0 leaves the choice to the hash.
  static uint8_t PathBits(uint32_t path) { return static_cast<uint8_t>((path & 7) << 2); }

  /// Modulo the number of ways up it is the one that the hash chooses.
  static uint64_t FlowHash(ns3::Ipv4Address source, ns3::Ipv4Address destination, uint16_t sourcePort,
                           uint16_t destinationPort);

  ns3::Ptr<ns3::Ipv4Route> RouteOutput(ns3::Ptr<ns3::Packet> packet, const ns3::Ipv4Header& header,
                                       ns3::Ptr<ns3::NetDevice> device,
                                       ns3::Socket::SocketErrno& error) override;
  bool RouteInput(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header,
                  ns3::Ptr<const ns3::NetDevice> device, UnicastForwardCallback forward,
                  MulticastForwardCallback multicast, LocalDeliverCallback deliver,
                  ErrorCallback error) override;
  void SetIpv4(ns3::Ptr<ns3::Ipv4> ipv4) override { m_ipv4 = ipv4; }
  void NotifyInterfaceUp(uint32_t) override {}
  void NotifyInterfaceDown(uint32_t) override {}
  void NotifyAddAddress(uint32_t, ns3::Ipv4InterfaceAddress) override {}
  void NotifyRemoveAddress(uint32_t, ns3::Ipv4InterfaceAddress) override {}
  void PrintRoutingTable(ns3::Ptr<ns3::OutputStreamWrapper>, ns3::Time::Unit) const override {}

 private:
  uint32_t Choose(ns3::Ptr<const ns3::Packet> packet, const ns3::Ipv4Header& header) const;
  ns3::Ptr<ns3::Ipv4Route> Route(const ns3::Ipv4Header& header, uint32_t interface) const;

  ns3::Ptr<ns3::Ipv4> m_ipv4;
  OutputHook m_hook;
  std::map<uint32_t, uint32_t> m_down;
  std::vector<uint32_t> m_up;
};

/// A two-tier fabric: hosts, leaves and spines; every leaf has one link to every spine.
class LeafSpine {
 public:
  struct Options {
    uint32_t hosts = 32;
    uint32_t leaves = 2;
    uint32_t spines = 2;
    std::string hostRate = "10Gbps";
    std::string fabricRate = "40Gbps";
    /// Of each leaf's link to the last spine; empty: as the others.
    std::string lastSpineRate;
    /// Propagation and switching, a link, one way.
    std::string delay = "2us";
    uint32_t mtu = 1500;
    uint32_t bands = 1;
    uint32_t markBytes = 97500;
    uint32_t bufferBytes = 1000000;
    /// A host queues its own packets in main memory.
    uint32_t hostBufferBytes = 9000000;
  };

  explicit LeafSpine(const Options& options);

  ns3::Ptr<ns3::Node> Host(uint32_t index) const { return m_hosts.Get(index); }
  ns3::Ipv4Address Address(uint32_t index) const { return m_addresses[index]; }
  void SetOutputHook(uint32_t host, LeafSpineRouting::OutputHook hook);
  uint32_t LeafOf(uint32_t host) const { return host / m_hostsPerLeaf; }
  /// Over all ports.
  uint64_t Dropped() const;
  uint64_t Marked() const;

 private:
  std::vector<ns3::Ptr<LeafSpineRouting>> Install(const ns3::NodeContainer& nodes) const;

  ns3::NodeContainer m_hosts;
  ns3::NodeContainer m_leaves;
  ns3::NodeContainer m_spines;
  uint32_t m_hostsPerLeaf;
  std::vector<ns3::Ipv4Address> m_addresses;
  std::vector<ns3::Ptr<ns3::QueueDisc>> m_ports;
};
