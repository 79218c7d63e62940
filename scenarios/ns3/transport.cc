/* SPDX-License-Identifier: GPL-2.0 */
#include "transport.h"

#include "ns3/boolean.h"
#include "ns3/config.h"
#include "ns3/packet.h"
#include "ns3/socket.h"
#include "ns3/string.h"
#include "ns3/tcp-dctcp.h"
#include "ns3/tcp-socket-factory.h"
#include "ns3/uinteger.h"

using namespace ns3;

/// Of IP and TCP, and what timestamps take.
static constexpr uint32_t kHeaderBytes = 40;
static constexpr uint32_t kTimestampBytes = 12;

void SetTransportDefaults(uint32_t mtu, bool timestamps) {
  const uint32_t headers = kHeaderBytes + (timestamps ? kTimestampBytes : 0);
  Config::SetDefault("ns3::TcpL4Protocol::SocketType", TypeIdValue(TcpDctcp::GetTypeId()));
  Config::SetDefault("ns3::TcpSocketBase::UseEcn", StringValue("On"));
  Config::SetDefault("ns3::TcpSocketBase::Timestamp", BooleanValue(timestamps));
  Config::SetDefault("ns3::TcpSocket::SegmentSize", UintegerValue(mtu - headers));
  Config::SetDefault("ns3::TcpSocket::SndBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::RcvBufSize", UintegerValue(4 << 20));
  Config::SetDefault("ns3::TcpSocket::InitialCwnd", UintegerValue(10));
  // With delayed acknowledgements ns-3's DCTCP left flows unfinished.
  Config::SetDefault("ns3::TcpSocket::DelAckCount", UintegerValue(1));
  Config::SetDefault("ns3::TcpSocket::ConnTimeout", TimeValue(MilliSeconds(10)));
  Config::SetDefault("ns3::TcpSocketBase::MinRto", TimeValue(MilliSeconds(5)));
  Config::SetDefault("ns3::TcpSocketBase::ClockGranularity", TimeValue(MicroSeconds(100)));
}

static void Accept(const Arrival& arrived, Ptr<Socket> socket, const Address& from) {
  const auto sender = InetSocketAddress::ConvertFrom(from);
  socket->SetRecvCallback(Callback<void, Ptr<Socket>>([arrived, sender](Ptr<Socket> ready) {
    while (Ptr<Packet> packet = ready->Recv()) {
      if (packet->GetSize() == 0) break;
      arrived(sender, packet->GetSize());
    }
  }));
  socket->SetCloseCallbacks(Callback<void, Ptr<Socket>>([](Ptr<Socket> peer) { peer->Close(); }),
                            MakeNullCallback<void, Ptr<Socket>>());
}

void Listen(Ptr<Node> host, uint16_t port, const Arrival& arrived) {
  Ptr<Socket> socket = Socket::CreateSocket(host, TcpSocketFactory::GetTypeId());
  socket->Bind(InetSocketAddress(Ipv4Address::GetAny(), port));
  socket->Listen();
  socket->SetAcceptCallback(
      MakeNullCallback<bool, Ptr<Socket>, const Address&>(),
      Callback<void, Ptr<Socket>, const Address&>(
          [arrived](Ptr<Socket> peer, const Address& from) { Accept(arrived, peer, from); }));
}
