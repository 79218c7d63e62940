import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaAccelerators

@Suite("Transfer policies")
struct TransferPolicyTests {
  static let devices = ["cpu", "simulated", "simulated-ptx"]

  static func device(_ name: String) -> DeviceAccelerator {
    switch name {
    case "cpu": .cpu()
    case "simulated": .simulatedCUDA()
    default: .simulatedCUDA(kernels: .instructions)
    }
  }

  @Test(
    "each moves every byte of an object to its place, on every device, for aligned and unaligned pieces",
    arguments: devices, TransferPolicy.allCases)
  func bytes(device: String, policy: TransferPolicy) throws {
    let seed: UInt64 = 1_301
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 256, seed: seed)
    let accelerator = Self.device(device)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let size = 50_000
    let tensor = try accelerator.makeTensor(byteCount: size)
    for (payload, headroom) in [(1_024, 64), (1_000, 58), (256, 42), (333, 17)] {
      let pieces = memory.pieces(of: size, payload: payload, headroom: headroom, using: &generator)
      var ticket: TransferTicket?
      for start in stride(from: 0, to: pieces.count, by: 16) {
        let batch = Array(pieces[start..<min(start + 16, pieces.count)])
        ticket = try accelerator.gather(
          batch, from: registration, into: tensor, by: policy, closes: start + 16 >= pieces.count)
      }
      try accelerator.fence(#require(ticket))
      let expected = memory.expected(pieces, over: [UInt8](repeating: 0, count: size))
      let given = try accelerator.copyBack(tensor, byteCount: size)
      #expect(given == expected, "\(device), \(policy), \(payload), seed \(seed)")
    }
    try accelerator.free(tensor)
    try accelerator.unregister(registration)
  }

  @Test(
    "pieces of any length, order and gaps leave what is between them alone", arguments: devices,
    [TransferPolicy.perPacket, .batchedCopy, .pull, .residentPull])
  func scattered(device: String, policy: TransferPolicy) throws {
    let seed: UInt64 = 1_302
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 64, seed: seed)
    memory.protect()
    let accelerator = Self.device(device)
    let registration = try accelerator.register(memory.readable, isReadOnly: true)
    let tensor = try accelerator.makeTensor(byteCount: 40_000)
    var object = try accelerator.copyBack(tensor, byteCount: tensor.byteCount)
    for round in 0..<8 {
      let pieces = memory.scattered(upTo: tensor.byteCount, using: &generator)
      object = memory.expected(pieces, over: object)
      let ticket = try accelerator.gather(
        pieces, from: registration, into: tensor, by: policy, closes: false)
      try accelerator.fence(ticket)
      #expect(try accelerator.isDone(ticket))
      let given = try accelerator.copyBack(tensor, byteCount: tensor.byteCount)
      #expect(given == object, "\(device), \(policy), round \(round), seed \(seed)")
    }
  }

  static let outside: [(piece: PayloadPiece, what: String)] = [
    (PayloadPiece(source: -1, destination: 0, length: 8), "packet memory"),
    (PayloadPiece(source: 0, destination: -1, length: 8), "tensor"),
    (PayloadPiece(source: 0, destination: 0, length: -1), "packet memory"),
    (PayloadPiece(source: 8 * 2_048 - 7, destination: 0, length: 8), "packet memory"),
    (PayloadPiece(source: 0, destination: 993, length: 8), "tensor"),
    (PayloadPiece(source: 0, destination: 0, length: 1_001), "tensor"),
    (PayloadPiece(source: .max, destination: 0, length: 8), "packet memory"),
    (PayloadPiece(source: 0, destination: .max, length: 8), "tensor"),
    (PayloadPiece(source: 8, destination: 8, length: .max), "packet memory"),
    (PayloadPiece(source: .min, destination: .min, length: .min), "packet memory"),
  ]

  @Test("a piece that leaves the packet memory or the tensor is refused, and nothing of its call is moved")
  func bounds() throws {
    let memory = PacketMemory(frames: 8, seed: 3)
    for name in Self.devices {
      let accelerator = Self.device(name)
      let registration = try accelerator.register(memory.readable, isReadOnly: false)
      let tensor = try accelerator.makeTensor(byteCount: 1_000)
      let before = try accelerator.copyBack(tensor, byteCount: 1_000)
      for policy in TransferPolicy.allCases {
        for (piece, what) in Self.outside {
          let good = PayloadPiece(source: 0, destination: 0, length: 100)
          let error = #expect(throws: AcceleratorError.self) {
            try accelerator.gather(
              [good, piece], from: registration, into: tensor, by: policy, closes: true)
          }
          #expect(error?.code == .outOfBounds)
          #expect(error?.message.contains("piece 1") == true && error?.message.contains(what) == true)
        }
        #expect(try accelerator.copyBack(tensor, byteCount: 1_000) == before)
      }
      let last = PayloadPiece(source: 8 * 2_048 - 1_000, destination: 0, length: 1_000)
      let ticket = try accelerator.gather(
        [last], from: registration, into: tensor, by: .pull, closes: true)
      try accelerator.fence(ticket)
      #expect(try accelerator.copyBack(tensor, byteCount: 1_000) == Array(memory.bytes[15_384..<16_384]))
    }
  }

  @Test("what is not there any more, or is another accelerator's, is refused")
  func handles() throws {
    let memory = PacketMemory(frames: 8, seed: 4)
    let one = DeviceAccelerator.simulatedCUDA()
    let registration = try one.register(memory.readable, isReadOnly: false)
    let tensor = try one.makeTensor(byteCount: 1_000)
    let piece = PayloadPiece(source: 0, destination: 0, length: 10)
    let other = DeviceAccelerator.simulatedCUDA()
    func refused(_ body: () throws -> Void) {
      let error = #expect(throws: AcceleratorError.self) { try body() }
      #expect(error?.code == .unknownHandle)
    }
    refused {
      _ = try other.gather([piece], from: registration, into: tensor, by: .pull, closes: true)
    }
    refused { try one.fence(TransferTicket(number: 1)) }
    refused { _ = try one.isDone(TransferTicket(number: 1)) }
    refused { _ = try other.copyBack(tensor, byteCount: 1) }
    try one.free(tensor)
    refused { try one.free(tensor) }
    refused {
      _ = try one.gather([piece], from: registration, into: tensor, by: .pull, closes: true)
    }
    try one.unregister(registration)
    refused { try one.unregister(registration) }
  }

  @Test("a staged frame is free at once, and the copy of an object before is not written over")
  func staging() throws {
    let seed: UInt64 = 1_303
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 64, seed: seed)
    let accelerator = DeviceAccelerator.simulatedCUDA()
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let tensor = try accelerator.makeTensor(byteCount: 30_000)
    for _ in 0..<20 {
      let pieces = memory.pieces(of: 30_000, payload: 1_000, headroom: 42, using: &generator)
      let expected = memory.expected(pieces, over: [UInt8](repeating: 0, count: 30_000))
      let ticket = try accelerator.gather(
        pieces, from: registration, into: tensor, by: .staged, closes: false)
      #expect(try accelerator.isDone(ticket), "the frames can be used anew")
      for piece in pieces { memory.bytes[piece.source] &+= 1 }
      let closing = try accelerator.gather(
        [], from: registration, into: tensor, by: .staged, closes: true)
      try accelerator.fence(closing)
      #expect(try accelerator.copyBack(tensor, byteCount: 30_000) == expected, "seed \(seed)")
    }
  }

  @Test("a ring that is full waits for the resident kernel, and one that ended is started again")
  func residentRing() throws {
    let seed: UInt64 = 1_304
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 64, seed: seed)
    for kernels in [SimulatedCUDA.Kernels.swift, .instructions] {
      let driver = try SimulatedCUDA(kernels: kernels)
      let source = try driver.register(memory.readable, isReadOnly: true)
      let target = try driver.allocate(byteCount: 64 * 300)
      let ring = try ResidentRing(driver, capacity: 16, blocks: 2, threads: 64, polls: 40)
      var expected = [UInt8](repeating: 0xA5, count: 64 * 300)
      for round in 0..<30 {
        let slots = (0..<Int.random(in: 1...60, using: &generator)).shuffled(using: &generator)
        let pieces = slots.map { slot in
          let length = Int.random(in: 0...300, using: &generator)
          let from = Int.random(in: 0...(memory.bytes.count - length), using: &generator)
          expected.replaceSubrange(slot * 300..<slot * 300 + length, with: memory.bytes[from..<from + length])
          return DevicePiece(
            source: source.advanced(by: from), destination: target.advanced(by: slot * 300), length: length)
        }
        try ring.wait(for: ring.publish(pieces))
        if round % 5 == 4 { try ring.stop() }
      }
      #expect(ring.launches > 5)
      try ring.stop()
      let stream = try driver.makeStream()
      var given = [UInt8](repeating: 0, count: expected.count)
      try given.withUnsafeMutableBytes { try driver.copyBack(target, to: $0, on: stream) }
      #expect(given == expected, "\(kernels), seed \(seed)")
      try ring.close()
    }
  }

  @Test("memory of the device is not made beside a resident kernel: the accelerator ends it first")
  func quiesce() throws {
    let memory = PacketMemory(frames: 8, seed: 5)
    let accelerator = DeviceAccelerator.simulatedCUDA()
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let piece = PayloadPiece(source: 100, destination: 0, length: 500)
    for _ in 0..<3 {
      let tensor = try accelerator.makeTensor(byteCount: 500)
      let ticket = try accelerator.gather(
        [piece], from: registration, into: tensor, by: .residentPull, closes: true)
      try accelerator.fence(ticket)
      #expect(try accelerator.copyBack(tensor, byteCount: 500) == Array(memory.bytes[100..<600]))
    }
  }
}
