import MedullaBase
import MedullaPayload
import Testing

@testable import MedullaAccelerators

@Suite("The CUDA driver's interface", .enabled(if: FakeCUDA.isHere, "\(FakeCUDA.reason)"))
struct CUDADriverTests {
  @Test("every policy moves every byte through the driver's functions, read-only memory too")
  func policies() throws {
    let seed: UInt64 = 1_311
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 128, seed: seed)
    memory.protect()
    let accelerator = DeviceAccelerator.cuda(library: try FakeCUDA.library())
    let description = try accelerator.describe()
    #expect(description.name == "Fake device")
    #expect(description.driver == "CUDA 12.8")
    #expect(description.capability == "9.0")
    #expect(description.processors == 132)
    #expect(description.device == .cuda(ordinal: 0))
    let registration = try accelerator.register(memory.readable, isReadOnly: true)
    let tensor = try accelerator.makeTensor(byteCount: 60_000)
    for policy in TransferPolicy.allCases {
      #expect(try accelerator.obstacle(to: policy) == nil)
      for (payload, headroom) in [(1_024, 64), (1_000, 58), (333, 17)] {
        let pieces = memory.pieces(of: 60_000, payload: payload, headroom: headroom, using: &generator)
        let ticket = try accelerator.gather(
          pieces, from: registration, into: tensor, by: policy, closes: true)
        try accelerator.fence(ticket)
        #expect(try accelerator.isDone(ticket))
        let expected = memory.expected(pieces, over: [UInt8](repeating: 0, count: 60_000))
        #expect(
          try accelerator.copyBack(tensor, byteCount: 60_000) == expected, "\(policy), seed \(seed)")
      }
    }
    try accelerator.quiesce()
    try accelerator.free(tensor)
    try accelerator.unregister(registration)
  }

  @Test("a driver before CUDA 12.8 has no batched copy, and says so; the other policies are there")
  func olderDriver() throws {
    let accelerator = DeviceAccelerator.cuda(library: try FakeCUDA.library(["FAKE_VERSION=12040"]))
    let obstacle = try #require(try accelerator.obstacle(to: .batchedCopy))
    #expect(obstacle.code == .unavailable)
    #expect(obstacle.cause.contains("12.4"))
    #expect(obstacle.remedy.contains("12.8"))
    #expect(try accelerator.obstacle(to: .pull) == nil)
    let memory = PacketMemory(frames: 4, seed: 1)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let tensor = try accelerator.makeTensor(byteCount: 100)
    let piece = PayloadPiece(source: 0, destination: 0, length: 100)
    let error = #expect(throws: AcceleratorError.self) {
      try accelerator.gather([piece], from: registration, into: tensor, by: .batchedCopy, closes: true)
    }
    #expect(error?.code == .unavailable)
  }

  static let unusableDrivers: [(definitions: [String], words: String)] = [
    (["FAKE_DEVICES=0"], "no CUDA device"),
    (["FAKE_VERSION=10020"], "driver for CUDA 10.2"),
    (["FAKE_MAJOR=5"], "compute capability 5.0"),
  ]

  @Test(
    "a machine without a device, with an old driver or device is told what is missing",
    arguments: unusableDrivers)
  func unusable(definitions: [String], words: String) throws {
    let accelerator = DeviceAccelerator.cuda(library: try FakeCUDA.library(definitions))
    let obstacle = try #require(accelerator.obstacle)
    #expect(obstacle.code == .unavailable)
    #expect(obstacle.description.contains(words), "\(obstacle)")
    #expect(!obstacle.remedy.isEmpty)
  }

  @Test("without a driver the obstacle says what to install; a library of something else lacks functions")
  func noDriver() throws {
    let missing = try #require(DeviceAccelerator.cuda(library: "/nowhere/libcuda.so.1").obstacle)
    #expect(missing.code == .unavailable)
    #expect(missing.remedy.contains("driver"))
    let other = try #require(DeviceAccelerator.cuda(library: "libm.so.6").obstacle)
    #expect(other.code == .unavailable)
    #expect(other.message.contains("cuInit"))
    let absent = DeviceAccelerator.cuda(ordinal: 3, library: try FakeCUDA.library())
    #expect(absent.obstacle?.message.contains("device 3") == true)
  }

  @Test("what the driver's compiler says of the kernels is kept")
  func compilerLog() throws {
    let accelerator = DeviceAccelerator.cuda(library: try FakeCUDA.library(["FAKE_JIT_ERROR"]))
    let obstacle = try #require(accelerator.obstacle)
    #expect(obstacle.log.contains("nothing is understood"))
    #expect(obstacle.cause.contains("218"))
  }

  @Test("memory that is too much, or only read where the device cannot, is refused with a remedy")
  func refusals() throws {
    let accelerator = DeviceAccelerator.cuda(library: try FakeCUDA.library(["FAKE_READ_ONLY=0"]))
    let large = #expect(throws: AcceleratorError.self) { try accelerator.makeTensor(byteCount: 2 << 30) }
    #expect(large?.code == .outOfMemory)
    #expect(large?.cause.contains("CUDA_ERROR_OUT_OF_MEMORY") == true)
    let memory = PacketMemory(frames: 4, seed: 1)
    let readOnly = #expect(throws: AcceleratorError.self) {
      try accelerator.register(memory.readable, isReadOnly: true)
    }
    #expect(readOnly?.code == .unavailable)
    #expect(readOnly?.remedy.contains("staged") == true)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let twice = #expect(throws: AcceleratorError.self) {
      try accelerator.register(memory.readable, isReadOnly: false)
    }
    #expect(twice?.code == .failed)
    try accelerator.unregister(registration)
  }

  @Test("an illegal address on the device ends its use, and later calls say so")
  func lost() throws {
    let driver = try CUDADriver(library: try FakeCUDA.library())
    let stream = try driver.makeStream()
    try driver.launch(
      KernelLaunch(.gather, blocks: 1, threads: 32, [.address(DeviceAddress(8)), .word(1)]), on: stream)
    let error = #expect(throws: AcceleratorError.self) { try driver.record(on: stream) }
    #expect(error?.code == .deviceLost)
    #expect(error?.cause.contains("CUDA_ERROR_ILLEGAL_ADDRESS") == true)
    #expect(error?.remedy.isEmpty == false)
  }

  @Test("events are used anew, and work for the host is done in its order")
  func lanes() throws {
    let driver = try CUDADriver(library: try FakeCUDA.library())
    let (one, two) = (try driver.makeStream(), try driver.makeStream())
    let log = WorkLog()
    let first = try driver.perform(on: one, after: nil, cost: .zero) { log.add(1) }
    let second = try driver.perform(on: two, after: first, cost: .zero) { log.add(2) }
    let third = try driver.perform(on: two, after: nil, cost: .zero) { log.add(3) }
    try driver.wait(for: third)
    #expect(try driver.isComplete(second))
    #expect(log.numbers == [1, 2, 3])
    let mark = try driver.record(on: one)
    try driver.order(two, after: mark)
    driver.discard(mark)
    let error = #expect(throws: AcceleratorError.self) { try driver.wait(for: mark) }
    #expect(error?.code == .unknownHandle)
    let again = try driver.record(on: one)
    #expect(try driver.isComplete(again))
  }
}
