import MedullaAccelerators
import MedullaBase
import Testing

@testable import TestbedNF

@Suite("Transfers to the simulated device")
struct SimulatedTransferTests {
  private static let cost = CostModel.paper
  private let packets = 500
  private let packetBytes = 1_024

  private func transfer(_ policy: TransferPolicy) -> SimulatedTransfer {
    SimulatedTransfer(objectBytes: packets * packetBytes, packetBytes: packetBytes, policy: policy)
  }

  @Test("the calling processor spends what its calls and copies take, and nothing else")
  func processor() throws {
    let launches = (packets + 63) / 64
    #expect(try transfer(.perPacket).processorTime() == Self.cost.copyCall * packets)
    #expect(try transfer(.pull).processorTime() == Self.cost.launchCall * launches)
    #expect(
      try transfer(.staged).processorTime()
        == Self.cost.copyOnHost(packetBytes) * packets + Self.cost.copyCall)
  }

  @Test(
    "a copy for each packet is later than reception, pulling ends just after it, and each run is the same")
  func times() throws {
    let (each, pulled) = (try transfer(.perPacket).times(), try transfer(.pull).times())
    #expect(each.transferred - each.first > Self.cost.copyCall * (packets - 1))
    #expect(pulled.transferring < .microseconds(60))
    #expect(try transfer(.pull).times() == pulled)
  }

  @Test("the network takes what it is said to take, after the transfer")
  func compute() throws {
    var simulated = transfer(.pull)
    simulated.compute = .microseconds(3_950)
    let times = try simulated.times()
    #expect(times.computing == .microseconds(3_950))
    #expect(times.started >= times.transferred)
  }

  @Test("without cut-through the transfer begins when the object is whole")
  func whole() throws {
    var simulated = transfer(.pull)
    let through = try simulated.times()
    simulated.isCutThrough = false
    let whole = try simulated.times()
    #expect(whole.whole == through.whole && whole.transferring > through.transferring)
  }
}
