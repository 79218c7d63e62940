/* SPDX-License-Identifier: GPL-2.0 */
#include "leaf_spine.h"

#include "ns3/config.h"
#include "ns3/internet-stack-helper.h"
#include "ns3/ipv4-address-helper.h"
#include "ns3/ipv4-interface-container.h"
#include "ns3/ipv4-route.h"
#include "ns3/packet.h"
#include "ns3/point-to-point-helper.h"
#include "ns3/string.h"
#include "ns3/traffic-control-helper.h"
#include "ns3/uinteger.h"
#include "priority_port.h"

using namespace ns3;

NS_OBJECT_ENSURE_REGISTERED(LeafSpineRouting);

TypeId LeafSpineRouting::GetTypeId() {
  static TypeId id =
      TypeId("LeafSpineRouting").SetParent<Ipv4RoutingProtocol>().AddConstructor<LeafSpineRouting>();
  return id;
}

/// The finalizer of MurmurHash3: every bit of the input changes about half of the output's.
static uint64_t Mix(uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdULL;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ULL;
  return value ^ (value >> 33);
}

uint64_t LeafSpineRouting::FlowHash(Ipv4Address source, Ipv4Address destination, uint16_t sourcePort,
                                    uint16_t destinationPort) {
  const uint64_t addresses = static_cast<uint64_t>(source.Get()) << 32 | destination.Get();
  return Mix(Mix(addresses) ^ (static_cast<uint64_t>(sourcePort) << 16 | destinationPort));
}

uint32_t LeafSpineRouting::Choose(Ptr<const Packet> packet, const Ipv4Header& header) const {
  auto down = m_down.find(header.GetDestination().Get());
  if (down != m_down.end()) return down->second;
  if (m_up.size() == 1) return m_up[0];
  const uint32_t path = (header.GetTos() >> 2) & 7;
  if (path > 0) return m_up[(path - 1) % m_up.size()];
  // A TCP header begins with its two ports.
  uint8_t ports[4] = {0, 0, 0, 0};
  packet->CopyData(ports, sizeof(ports));
  const uint64_t hash = FlowHash(header.GetSource(), header.GetDestination(), ports[0] << 8 | ports[1],
                                 ports[2] << 8 | ports[3]);
  return m_up[hash % m_up.size()];
}

Ptr<Ipv4Route> LeafSpineRouting::Route(const Ipv4Header& header, uint32_t interface) const {
  Ptr<Ipv4Route> route = Create<Ipv4Route>();
  route->SetDestination(header.GetDestination());
  route->SetSource(m_ipv4->GetAddress(interface, 0).GetLocal());
  route->SetGateway(Ipv4Address::GetZero());
  route->SetOutputDevice(m_ipv4->GetNetDevice(interface));
  return route;
}

Ptr<Ipv4Route> LeafSpineRouting::RouteOutput(Ptr<Packet> packet, const Ipv4Header& header, Ptr<NetDevice>,
                                             Socket::SocketErrno& error) {
  error = Socket::ERROR_NOTERROR;
  // A socket that connects asks for a route without a packet.
  uint8_t tcp[13];
  SocketIpTosTag tag;
  if (m_hook && packet && packet->CopyData(tcp, sizeof(tcp)) == sizeof(tcp) && packet->RemovePacketTag(tag)) {
    const uint16_t port = static_cast<uint16_t>(tcp[0] << 8 | tcp[1]);
    const uint32_t payload = packet->GetSize() - (tcp[12] >> 4) * 4;
    tag.SetTos((tag.GetTos() & 3) | m_hook(port, payload));
    packet->AddPacketTag(tag);
  }
  return Route(header, m_up.at(0));
}

bool LeafSpineRouting::RouteInput(Ptr<const Packet> packet, const Ipv4Header& header,
                                  Ptr<const NetDevice> device, UnicastForwardCallback forward,
                                  MulticastForwardCallback, LocalDeliverCallback deliver, ErrorCallback) {
  const uint32_t interface = m_ipv4->GetInterfaceForDevice(device);
  if (m_ipv4->IsDestinationAddress(header.GetDestination(), interface)) {
    deliver(packet, header, interface);
  } else {
    forward(Route(header, Choose(packet, header)), packet, header);
  }
  return true;
}

std::vector<Ptr<LeafSpineRouting>> LeafSpine::Install(const NodeContainer& nodes) const {
  InternetStackHelper stack;
  stack.SetIpv6StackInstall(false);
  stack.Install(nodes);
  std::vector<Ptr<LeafSpineRouting>> routings;
  for (uint32_t index = 0; index < nodes.GetN(); index++) {
    auto routing = CreateObject<LeafSpineRouting>();
    nodes.Get(index)->GetObject<Ipv4>()->SetRoutingProtocol(routing);
    routings.push_back(routing);
  }
  return routings;
}

LeafSpine::LeafSpine(const Options& options) : m_hostsPerLeaf(options.hosts / options.leaves) {
  m_hosts.Create(options.hosts);
  m_leaves.Create(options.leaves);
  m_spines.Create(options.spines);
  auto hostRoutes = Install(m_hosts);
  auto leafRoutes = Install(m_leaves);
  auto spineRoutes = Install(m_spines);

  PointToPointHelper cable;
  cable.SetChannelAttribute("Delay", StringValue(options.delay));
  // A device keeps little, so that the port's bands decide what leaves next.
  cable.SetQueue("ns3::DropTailQueue", "MaxSize", StringValue("2p"));
  auto port = [&](Ptr<NetDevice> device, uint32_t bufferBytes) {
    TrafficControlHelper control;
    control.SetRootQueueDisc("PriorityPort", "Bands", UintegerValue(options.bands), "MarkBytes",
                             UintegerValue(options.markBytes), "BufferBytes", UintegerValue(bufferBytes));
    m_ports.push_back(control.Install(device).Get(0));
  };
  Ipv4AddressHelper addresses("10.0.0.0", "255.255.255.252");
  auto connect = [&](Ptr<Node> lower, Ptr<Node> upper, const std::string& rate, uint32_t lowerBuffer) {
    cable.SetDeviceAttribute("DataRate", StringValue(rate));
    cable.SetDeviceAttribute("Mtu", UintegerValue(options.mtu));
    NetDeviceContainer devices = cable.Install(lower, upper);
    port(devices.Get(0), lowerBuffer);
    port(devices.Get(1), options.bufferBytes);
    Ipv4InterfaceContainer ends = addresses.Assign(devices);
    addresses.NewNetwork();
    return ends;
  };
  for (uint32_t host = 0; host < options.hosts; host++) {
    auto ends = connect(m_hosts.Get(host), m_leaves.Get(LeafOf(host)), options.hostRate,
                        options.hostBufferBytes);
    m_addresses.push_back(ends.GetAddress(0));
    hostRoutes[host]->AddUp(ends.Get(0).second);
    leafRoutes[LeafOf(host)]->AddDown(m_addresses[host], ends.Get(1).second);
  }
  for (uint32_t leaf = 0; leaf < options.leaves; leaf++) {
    for (uint32_t spine = 0; spine < options.spines; spine++) {
      const bool other = spine + 1 == options.spines && !options.lastSpineRate.empty();
      auto ends = connect(m_leaves.Get(leaf), m_spines.Get(spine),
                          other ? options.lastSpineRate : options.fabricRate, options.bufferBytes);
      leafRoutes[leaf]->AddUp(ends.Get(0).second);
      for (uint32_t host = 0; host < options.hosts; host++) {
        if (LeafOf(host) == leaf) spineRoutes[spine]->AddDown(m_addresses[host], ends.Get(1).second);
      }
    }
  }
}

void LeafSpine::SetOutputHook(uint32_t host, LeafSpineRouting::OutputHook hook) {
  DynamicCast<LeafSpineRouting>(m_hosts.Get(host)->GetObject<Ipv4>()->GetRoutingProtocol())
      ->SetOutputHook(std::move(hook));
}

uint64_t LeafSpine::Dropped() const {
  uint64_t sum = 0;
  for (const auto& port : m_ports) sum += port->GetStats().nTotalDroppedPackets;
  return sum;
}

uint64_t LeafSpine::Marked() const {
  uint64_t sum = 0;
  for (const auto& port : m_ports) sum += port->GetStats().nTotalMarkedPackets;
  return sum;
}
