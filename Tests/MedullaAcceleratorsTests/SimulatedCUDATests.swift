import Glibc
import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaAccelerators

@Suite("The simulated device")
struct SimulatedCUDATests {
  @Test("addresses of the device are not the host's: mixing them up is an illegal address")
  func addresses() throws {
    let memory = PacketMemory(frames: 4, seed: 1)
    let driver = try SimulatedCUDA()
    let source = try driver.register(memory.readable, isReadOnly: false)
    let host = UInt64(UInt(bitPattern: memory.readable.baseAddress))
    #expect(source.raw != host)
    #expect(source.raw % 512 == host % 512, "alignment carries over")
    let target = try driver.allocate(byteCount: 100)
    let list = try driver.allocatePinned(byteCount: DevicePiece.byteCount)
    let stream = try driver.makeStream()
    // The kernel is handed the host's own address.
    list.pointer.storeBytes(
      of: DevicePiece(source: DeviceAddress(host), destination: target, length: 10), as: DevicePiece.self)
    try driver.launch(
      KernelLaunch(.gather, blocks: 1, threads: 32, [.address(list.address), .word(1)]), on: stream)
    let event = try? driver.record(on: stream)
    let error = #expect(throws: AcceleratorError.self) {
      if let event { try driver.wait(for: event) }
      _ = try driver.record(on: stream)
      try driver.launch(
        KernelLaunch(.gather, blocks: 1, threads: 32, [.address(list.address), .word(1)]), on: stream)
    }
    #expect(error?.description.contains("illegal address") == true)
  }

  @Test(
    "what runs over the end of an allocation, or writes to memory that is registered for reading, fails",
    arguments: [SimulatedCUDA.Kernels.swift, .instructions])
  func overrun(kernels: SimulatedCUDA.Kernels) throws {
    let memory = PacketMemory(frames: 4, seed: 1)
    func fault(_ make: (DeviceAddress, DeviceAddress) -> DevicePiece) throws -> String {
      let driver = try SimulatedCUDA(kernels: kernels)
      let source = try driver.register(memory.readable, isReadOnly: true)
      let target = try driver.allocate(byteCount: 100)
      let list = try driver.allocatePinned(byteCount: DevicePiece.byteCount)
      let stream = try driver.makeStream()
      list.pointer.storeBytes(of: make(source, target), as: DevicePiece.self)
      let launch = KernelLaunch(.gather, blocks: 1, threads: 32, [.address(list.address), .word(1)])
      try driver.launch(launch, on: stream)
      var byte = [UInt8](repeating: 0, count: 1)
      let error = #expect(throws: AcceleratorError.self) {
        try byte.withUnsafeMutableBytes { try driver.copyBack(target, to: $0, on: stream) }
      }
      return error?.description ?? ""
    }
    #expect(
      try fault { DevicePiece(source: $0, destination: $1.advanced(by: 95), length: 8) }
        .contains("illegal address"))
    #expect(
      try fault { DevicePiece(source: $0.advanced(by: -1), destination: $1, length: 8) }
        .contains("illegal address"))
    #expect(
      try fault { DevicePiece(source: $1, destination: $0, length: 8) }.contains("registered for reading"))
  }

  @Test("a copy from memory that is not registered is refused, before anything is moved")
  func unregistered() throws {
    let memory = PacketMemory(frames: 1, seed: 1)
    let driver = try SimulatedCUDA()
    let target = try driver.allocate(byteCount: 100)
    let stream = try driver.makeStream()
    let base = try #require(memory.readable.baseAddress)
    let copy = DeviceCopy(source: base, destination: target, byteCount: 100)
    for body in [{ try driver.copy(copy, on: stream) }, { try driver.copyBatch([copy], on: stream) }] {
      let error = #expect(throws: AcceleratorError.self) { try body() }
      #expect(error?.message.contains("not registered") == true)
    }
    _ = try driver.register(memory.readable, isReadOnly: false)
    try driver.copy(copy, on: stream)
    let twice = #expect(throws: AcceleratorError.self) {
      try driver.register(
        UnsafeRawBufferPointer(rebasing: memory.readable[100..<200]), isReadOnly: false)
    }
    #expect(twice?.message.contains("already") == true)
  }

  @Test("memory that is full, a launch that fails and a device that is lost are told by their codes")
  func failures() throws {
    var failures = SimulatedFailures()
    failures.memoryBytes = 10_000
    failures.failingLaunch = 2
    let memory = PacketMemory(frames: 8, seed: 2)
    let accelerator = DeviceAccelerator.simulatedCUDA(failures: failures)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let tensor = try accelerator.makeTensor(byteCount: 8_000)
    let full = #expect(throws: AcceleratorError.self) { try accelerator.makeTensor(byteCount: 2_001) }
    #expect(full?.code == .outOfMemory)
    #expect(full?.remedy.isEmpty == false)
    let other = try accelerator.makeTensor(byteCount: 2_000)
    try accelerator.free(other)
    _ = try accelerator.makeTensor(byteCount: 2_000)
    let piece = PayloadPiece(source: 0, destination: 0, length: 100)
    func pull() throws {
      try accelerator.fence(
        accelerator.gather([piece], from: registration, into: tensor, by: .pull, closes: true))
    }
    try pull()
    let launch = #expect(throws: AcceleratorError.self) { try pull() }
    #expect(launch?.code == .failed)
    try pull()

    var losing = SimulatedFailures()
    losing.losingCall = 12
    let lost = DeviceAccelerator.simulatedCUDA(failures: losing)
    let error = #expect(throws: AcceleratorError.self) {
      for _ in 0..<20 { _ = try lost.makeTensor(byteCount: 10) }
    }
    #expect(error?.code == .deviceLost)
    #expect(throws: AcceleratorError.self) { try lost.makeTensor(byteCount: 10) }
    #expect(throws: AcceleratorError.self) { try lost.register(memory.readable, isReadOnly: false) }
  }

  @Test("a device that lacks batched copies, or cannot read what is read-only, says so before use")
  func obstacles() throws {
    var failures = SimulatedFailures()
    failures.lacksBatchedCopy = true
    failures.refusesReadOnly = true
    let accelerator = DeviceAccelerator.simulatedCUDA(failures: failures)
    #expect(accelerator.obstacle == nil)
    #expect(try accelerator.obstacle(to: .batchedCopy)?.code == .unavailable)
    #expect(try accelerator.obstacle(to: .residentPull) == nil)
    let memory = PacketMemory(frames: 1, seed: 1)
    let error = #expect(throws: AcceleratorError.self) {
      try accelerator.register(memory.readable, isReadOnly: true)
    }
    #expect(error?.code == .unavailable)
  }

  @Test("memory is not freed beside a kernel that stays: the call says what it waits for")
  func resident() throws {
    let driver = try SimulatedCUDA(patience: 0.2)
    let ring = try ResidentRing(driver, capacity: 16, blocks: 1, threads: 32, polls: .max)
    let target = try driver.allocate(byteCount: 100)
    let pinned = try driver.allocatePinned(byteCount: 100)
    let piece = DevicePiece(source: pinned.address, destination: target, length: 100)
    try ring.wait(for: ring.publish([piece]))
    let error = #expect(throws: AcceleratorError.self) { try driver.free(target) }
    #expect(error?.message.contains("does not end") == true)
    try ring.stop()
    try driver.free(target)
    try ring.close()
  }
}

@Suite("The simulated clock")
struct SimulatedTimelineTests {
  static let cost = CostModel.paper

  @Test("a copy occupies the caller for its call, then the way to the device for its bytes")
  func copies() {
    var timeline = SimulatedTimeline(Self.cost)
    timeline.copy(12_000, on: 0)
    #expect(timeline.now == .microseconds(8))
    #expect(timeline.end(of: 0) == .nanoseconds(8_000 + 1_500 + 1_000))
    timeline.copy(12_000, on: 1)
    #expect(timeline.now == .microseconds(16))
    #expect(timeline.end(of: 1) == .nanoseconds(16_000 + 1_500 + 1_000))
  }

  @Test("streams share the way to the device, and compute beside it")
  func sharing() {
    var timeline = SimulatedTimeline(Self.cost)
    timeline.copy(12_000_000, on: 0)
    timeline.copy(12_000, on: 1)
    #expect(timeline.end(of: 1) == timeline.end(of: 0) + .microseconds(1))
    timeline.compute(.microseconds(100), on: 2)
    #expect(timeline.end(of: 2) == timeline.now + .microseconds(100))
    timeline.order(2, after: .milliseconds(5))
    timeline.compute(.microseconds(1), on: 2)
    #expect(timeline.end(of: 2) == .microseconds(5_001))
  }

  @Test("the clock never goes back")
  func monotonic() {
    var timeline = SimulatedTimeline(Self.cost)
    timeline.advance(to: .milliseconds(3))
    timeline.advance(to: .milliseconds(1))
    #expect(timeline.now == .milliseconds(3))
    timeline.copyOnHost(8_000)
    #expect(timeline.now == .nanoseconds(3_000_000 + 50 + 1_000))
    timeline.launch(linkBytes: 0, on: 0)
    #expect(timeline.end(of: 0) == timeline.now + .microseconds(3))
    timeline.copyBatch([6_000, 6_000], on: 1)
    #expect(timeline.end(of: 1) == timeline.now + .nanoseconds(2_500))
    let due = timeline.resident(gave: 4, byteCount: 12_000)
    // The copies before it still have the way to the device.
    #expect(due == timeline.end(of: 1) + .microseconds(1))
  }

  @Test("a transfer is done when the clock says so, whatever the threads do")
  func polling() throws {
    let memory = PacketMemory(frames: 8, seed: 9)
    for policy in TransferPolicy.allCases {
      let accelerator = DeviceAccelerator.simulatedCUDA(cost: .paper)
      let registration = try accelerator.register(memory.readable, isReadOnly: false)
      let tensor = try accelerator.makeTensor(byteCount: 12_000)
      let piece = PayloadPiece(source: 10, destination: 0, length: 12_000)
      let before = accelerator.clock
      let ticket = try accelerator.gather(
        [piece], from: registration, into: tensor, by: policy, closes: true)
      #expect(try !accelerator.isDone(ticket), "\(policy)")
      let called = accelerator.clock
      #expect(called > before, "\(policy)")
      accelerator.sleep(until: called + .nanoseconds(900))
      #expect(try !accelerator.isDone(ticket), "\(policy)")
      accelerator.sleep(until: called + .microseconds(5))
      #expect(try accelerator.isDone(ticket), "\(policy)")
      #expect(try accelerator.copyBack(tensor, byteCount: 12_000) == Array(memory.bytes[10..<12_010]))
    }
  }
}
