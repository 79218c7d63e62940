import Testing

@testable import TestbedLink
@testable import TestbedWorkload

@Suite("What iperf3 and ss say")
struct ParsingTests {
  static let sender = """
    {"start": {"version": "iperf 3.12",
               "connected": [{"socket": 5, "local_port": 49392, "remote_port": 5201},
                             {"socket": 7, "local_port": 49406, "remote_port": 5201}]},
     "intervals": [
       {"streams": [{"socket": 5, "start": 0, "end": 0.5, "bytes": 9, "retransmits": 3, "rtt": 39430},
                    {"socket": 7, "start": 0, "end": 0.5, "bytes": 9, "retransmits": 1, "rtt": 20000}]},
       {"streams": [{"socket": 5, "start": 0.5, "end": 1, "bytes": 9, "retransmits": 0, "rtt": 41000},
                    {"socket": 7, "start": 0.5, "end": 1, "bytes": 9, "retransmits": 2, "rtt": 21000}]}],
     "end": {"streams": []}}
    """
  static let receiver = """
    {"start": {"connected": [{"socket": 9, "local_port": 5201, "remote_port": 49406},
                             {"socket": 8, "local_port": 5201, "remote_port": 49392}]},
     "intervals": [
       {"streams": [{"socket": 9, "start": 0, "end": 0.5, "bytes": 1000},
                    {"socket": 8, "start": 0, "end": 0.5, "bytes": 3000}]},
       {"streams": [{"socket": 9, "start": 0.5, "end": 1, "bytes": 2000},
                    {"socket": 8, "start": 0.5, "end": 1, "bytes": 5000}]}]}
    """

  private func result() throws -> TransferResult {
    try TransferResult(
      congestion: "cubic", sender: Iperf3Report(json: Array(Self.sender.utf8)),
      receiver: Iperf3Report(json: Array(Self.receiver.utf8)))
  }

  @Test("flows are joined by port: goodput from the receiver, round trips from the sender")
  func join() throws {
    let result = try result()
    #expect(result.iperf3Version == "iperf 3.12")
    #expect(result.flows.map(\.port) == [49392, 49406])
    #expect(result.flows.map { $0.received.map(\.bytes) } == [[3000, 5000], [1000, 2000]])
    #expect(result.flows[0].roundTrips.map(\.milliseconds) == [39.43, 41])
    #expect(result.retransmits == 6)
    #expect(result.roundTrips(from: 0.9) == [41, 21])
  }

  @Test("goodput between two times takes the part of each interval that lies between them")
  func goodput() throws {
    let result = try result()
    #expect(result.goodput(from: 0, to: 1) == 11_000 * 8)
    #expect(abs(result.goodput(from: 0.25, to: 0.75) - (2000 + 3500) * 8 / 0.5) < 1e-6)
    #expect(result.goodput(from: 0.5, to: 0.5) == 0)
    #expect(result.goodput(from: 2, to: 3) == 0)
  }

  @Test(
    "what is no report of iperf3 is an error, not a crash",
    arguments: ["", "{", "[]", "{\"start\": 3}", "{\"start\": {\"connected\": [{}]}}"])
  func unreadable(text: String) {
    #expect { try Iperf3Report(json: Array(text.utf8)) } throws: { error in
      (error as? TestbedError)?.code == .unreadableReport
    }
  }

  @Test("iperf3's own error is passed on")
  func failed() {
    let text = "{\"start\": {}, \"intervals\": [], \"end\": {}, \"error\": \"unable to connect\"}"
    #expect { try Iperf3Report(json: Array(text.utf8)) } throws: { error in
      "\(error)".contains("unable to connect")
    }
  }

  @Test("a transfer without a connection is an error")
  func unconnected() throws {
    let empty = try Iperf3Report(json: Array("{\"start\": {}}".utf8))
    #expect(throws: TestbedError.self) {
      try TransferResult(congestion: "cubic", sender: empty, receiver: empty)
    }
  }

  static let sockets = """
    ESTAB 0      0       10.94.0.1:49418 10.94.0.2:5201
    \t bbr wscale:12,12 rto:224 rtt:20.213/5.694 cwnd:13 bytes_acked:184 \
    bbr:(bw:1144088bps,mrtt:20.197) send 7450255bps pacing_rate 16377824bps delivery_rate 1144776bps \
    delivered:4 app_limited minrtt:20.197
    ESTAB 0      1456688 [fd6d::1]:49428 [fd6d::2]:5201
    \t ts sack medulla_demo wscale:12,12 rtt:22.617/0.155 cwnd:174 bytes_acked:4821878 \
    retrans:0/215 minrtt:20 rcv_space:1

    """

  @Test("sockets are read with their ports, algorithm, rates and counts")
  func sockets() {
    let samples = SocketSample.parse(Self.sockets, at: 7)
    #expect(samples.map(\.congestion) == ["bbr", "medulla_demo"])
    #expect(samples.map(\.localPort) == [49418, 49428])
    #expect(samples.map(\.remotePort) == [5201, 5201])
    #expect(samples.map(\.rttMilliseconds) == [20.213, 22.617])
    #expect(samples.map(\.minimumRTTMilliseconds) == [20.197, 20])
    #expect(samples.map(\.pacingBitsPerSecond) == [16_377_824, nil])
    #expect(samples.map(\.deliveryBitsPerSecond) == [1_144_776, nil])
    #expect(samples.map(\.windowSegments) == [13, 174])
    #expect(samples.map(\.retransmits) == [0, 215])
    #expect(samples.map(\.acknowledgedBytes) == [184, 4_821_878])
    #expect(samples.allSatisfy { $0.timeNanoseconds == 7 })
  }

  @Test(
    "lines that do not fit are left out",
    arguments: ["", "\n\n", "garbage", "\t rtt:1/1", "ESTAB 0 0 a b\n\t cubic"])
  func unfitting(text: String) {
    #expect(SocketSample.parse(text, at: 0).isEmpty)
  }
}
