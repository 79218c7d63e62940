import MedullaBase
import Testing

@testable import TestbedLink

@Suite("Quantities")
struct QuantityTests {
  @Test(
    "rates are read with their unit",
    arguments: [
      ("12mbit", 12e6), ("1.5Gbit", 1.5e9), ("500kbit/s", 5e5), ("9600bit", 9600), ("100Mbit/s", 1e8),
    ])
  func rates(text: String, value: Double) throws {
    #expect(try Quantity.bitsPerSecond(text) == value)
  }

  @Test(
    "times are read with their unit",
    arguments: [("20ms", UInt64(20_000_000)), ("250us", 250_000), ("1.5s", 1_500_000_000), ("7ns", 7)])
  func times(text: String, value: UInt64) throws {
    #expect(try Quantity.nanoseconds(text) == value)
  }

  @Test(
    "sizes are bytes or bandwidth-delay products",
    arguments: [("64000", 64_000), ("64kB", 64_000), ("1KiB", 1024), ("2BDP", 2000), ("0.5bdp", 500)])
  func sizes(text: String, value: Int) throws {
    #expect(try Quantity.bufferBytes(text, bandwidthDelayBytes: 1000) == value)
  }

  @Test(
    "anything else is refused with an example",
    arguments: ["", "12", "mbit", "-3mbit", "12mbyte", "nanmbit", "infgbit", "1e400mbit"])
  func refused(text: String) {
    #expect { try Quantity.bitsPerSecond(text) } throws: { error in
      (error as? QuantityError)?.code == .unreadable
    }
  }

  @Test("a buffer in bandwidth-delay products needs a rate")
  func needsRate() {
    #expect(throws: QuantityError.self) { try Quantity.bufferBytes("1BDP", bandwidthDelayBytes: nil) }
    #expect(throws: QuantityError.self) { try Quantity.bufferBytes("0", bandwidthDelayBytes: nil) }
    #expect(throws: QuantityError.self) { try Quantity.bufferBytes("9e18", bandwidthDelayBytes: nil) }
  }

  @Test("burst loss and reordering are lists")
  func lists() throws {
    #expect(try Quantity.burstLoss("0.005,0.25") == BurstLoss(toBad: 0.005, toGood: 0.25))
    let four = BurstLoss(toBad: 0.1, toGood: 1, lossInBad: 0.5, lossInGood: 0.01)
    #expect(try Quantity.burstLoss("0.1,1,0.5,0.01") == four)
    let reordering = Reordering(share: 0.02, extraNanoseconds: 5_000_000)
    #expect(try Quantity.reordering("0.02,5ms") == reordering)
  }

  @Test(
    "lists of another length, or with numbers out of range, are refused",
    arguments: ["", "0.1", "0.1,0", "0.1,0.2,0.3,0.4,0.5", "2,0.5", "0.1,,", "-0.1,1", "0.1,nan", "0.1,5ms,"])
  func refusedLists(text: String) {
    #expect(throws: QuantityError.self) { try Quantity.burstLoss(text) }
    #expect(throws: QuantityError.self) { try Quantity.reordering(text) }
  }

  @Test("a probability is a number from 0 to 1", arguments: ["", "-0.1", "1.01", "nan", "inf", "1%", "0.1,"])
  func refusedProbabilities(text: String) throws {
    #expect(throws: QuantityError.self) { try Quantity.probability(text) }
    #expect(try Quantity.probability("0.25") == 0.25)
  }

  @Test("a policer, batches, a queue discipline and a port's delay are read, and `none` or 0 ends them")
  func pathParts() throws {
    #expect(try Quantity.policing("10mbit,30kB") == Policing(bitsPerSecond: 10e6, burstBytes: 30_000))
    #expect(try Quantity.policing("none") == nil)
    #expect(try Quantity.aggregation("10ms") == 10_000_000)
    #expect(try Quantity.aggregation("0ms") == nil)
    #expect(
      try QueueDiscipline.allCases.map { try Quantity.queueDiscipline($0.rawValue) } == [
        .droptail, .codel, .pie,
      ])
    #expect(try Quantity.portDelay("5202,45ms") == PortDelay(port: 5202, extraNanoseconds: 45_000_000))
    #expect(try Quantity.portDelay("none") == nil)
  }

  @Test(
    "what is no policer, no time, no queue discipline and no port's delay is refused",
    arguments: [
      "", "10mbit", "10mbit,", ",30kB", "10mbit,2BDP", "10mbit,0", "10mbit,30kB,1", "-1mbit,30kB", "red",
      "CoDel", "None", "5202", "5202,", "0,45ms", "65536,45ms", "5202,-1ms", "port,45ms", "10", "-10ms",
    ])
  func refusedPathParts(text: String) {
    #expect(throws: QuantityError.self) { try Quantity.policing(text) }
    #expect(throws: QuantityError.self) { try Quantity.aggregation(text) }
    #expect(throws: QuantityError.self) { try Quantity.queueDiscipline(text) }
    #expect(throws: QuantityError.self) { try Quantity.portDelay(text) }
  }

  @Test("a link that cannot be emulated is refused")
  func links() {
    let bad: [PathConfiguration] = [
      .init(bitsPerSecond: 10), .init(bitsPerSecond: .nan), .init(delayNanoseconds: .max),
      .init(bufferBytes: 0), .init(lossProbability: 1.5), .init(lossProbability: .nan),
      .init(burstLoss: .init(toBad: 0.1, toGood: 0)), .init(burstLoss: .init(toBad: .nan, toGood: 1)),
      .init(burstLoss: .init(toBad: 0.1, toGood: 1, lossInBad: 2)),
      .init(reordering: .init(share: 1.5, extraNanoseconds: 1)),
      .init(reordering: .init(share: 0.5, extraNanoseconds: 0)), .init(duplicateProbability: -0.1),
      .init(markAboveBytes: -1), .init(segmentsPerUnit: 0), .init(segmentsPerUnit: 45),
      .init(policer: .init(bitsPerSecond: .nan, burstBytes: 3000)),
      .init(policer: .init(bitsPerSecond: 10, burstBytes: 3000)),
      .init(policer: .init(bitsPerSecond: 1e6, burstBytes: 0)),
      .init(policer: .init(bitsPerSecond: 1e6, burstBytes: 1499)),
      .init(policer: .init(bitsPerSecond: 1e6, burstBytes: .max)),
      .init(markAboveBytes: 3000, queue: .codel), .init(markAboveBytes: 3000, queue: .pie),
      .init(aggregationNanoseconds: 0), .init(aggregationNanoseconds: .max),
      .init(portDelay: .init(port: 0, extraNanoseconds: 1)),
      .init(portDelay: .init(port: 65_536, extraNanoseconds: 1)),
      .init(portDelay: .init(port: 80, extraNanoseconds: 0)),
      .init(
        reordering: .init(share: 0.5, extraNanoseconds: 1), portDelay: .init(port: 80, extraNanoseconds: 1)),
    ]
    for path in bad {
      #expect(throws: TestbedError.self) {
        try LinkConfiguration(forward: path, backward: .init()).validate()
      }
      #expect(throws: TestbedError.self) {
        try LinkConfiguration(forward: .init(), backward: path).validate()
      }
    }
    #expect(throws: TestbedError.self) {
      try LinkConfiguration(forward: .init(), backward: .init(), mtu: 100).validate()
    }
  }
}
