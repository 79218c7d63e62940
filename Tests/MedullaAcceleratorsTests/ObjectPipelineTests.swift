import MedullaBase
import MedullaEngines
import MedullaPayload
import Testing

@testable import MedullaAccelerators

@Suite("The pipeline of objects")
struct ObjectPipelineTests {
  static let size = 6_000

  @Test(
    "objects that come mixed, in any order of pieces, are answered as their bytes say, in order",
    arguments: TransferPolicyTests.devices, TransferPolicy.allCases)
  func mixed(device: String, policy: TransferPolicy) throws {
    let seed: UInt64 = 1_351
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 512, seed: seed)
    let accelerator = TransferPolicyTests.device(device)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    var settings = ObjectSchedule.Settings(policy: policy, tensorBytes: Self.size)
    settings.tensors = 3
    settings.batch = 8
    let pipeline = try ObjectPipeline(
      accelerator, model: ChecksumModel.model(byteCount: Self.size), memory: registration,
      settings: settings)
    var expected: [UInt64: Int64] = [:]
    var whole: [UInt64] = []
    var results: [ObjectResult] = []
    var (taken, released) = (0, 0)
    var left: [UInt64: [PayloadPiece]] = [:]
    var next: UInt64 = 0
    while results.count < 12 {
      if left.count < 3, next < 12 {
        if pipeline.begin(next, byteCount: Self.size) == nil {
          let pieces = memory.pieces(of: Self.size, payload: 333, headroom: 42, using: &generator)
          left[next] = pieces.shuffled(using: &generator)
          let object = memory.expected(pieces, over: [UInt8](repeating: 0, count: Self.size))
          expected[next] = ChecksumModel.sum(object)
          next += 1
        }
      }
      if let object = left.keys.sorted().randomElement(using: &generator), var pieces = left[object] {
        let some = Array(pieces.prefix(Int.random(in: 1...9, using: &generator)))
        pieces.removeFirst(some.count)
        left[object] = pieces.isEmpty ? nil : pieces
        if pieces.isEmpty { whole.append(object) }
        taken += some.count
        try pipeline.take(object, some)
      } else {
        try pipeline.drain()
      }
      try pipeline.poll()
      released += pipeline.takeReleased().count
      results += pipeline.takeResults()
    }
    #expect(Set(results.map(\.object)) == Set(0..<12))
    for result in results {
      #expect(result.sum == expected[result.object], "object \(result.object), seed \(seed)")
      let times = result.times
      #expect(times.first <= times.whole && times.started <= times.finished)
    }
    #expect(taken == released)
    try pipeline.close()
    #expect(pipeline.objects == 0 && pipeline.counts.delivered == 12)
    try accelerator.unregister(registration)
  }

  @Test(
    "8-bit objects are widened on the device for a model that takes floats",
    arguments: TransferPolicyTests.devices)
  func widened(device: String) throws {
    let seed: UInt64 = 1_352
    var generator = SeededGenerator(seed: seed)
    let memory = PacketMemory(frames: 64, seed: seed)
    let accelerator = TransferPolicyTests.device(device)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let model = try ChecksumModel.model(
      byteCount: 5_000, conversion: ByteConversion(scale: 2, bias: 1))
    let pipeline = try ObjectPipeline(
      accelerator, model: model, memory: registration,
      settings: ObjectSchedule.Settings(policy: .pull, tensorBytes: 5_000))
    for object in UInt64(0)..<4 {
      let pieces = memory.pieces(of: 5_000, payload: 1_000, headroom: 64, using: &generator)
      #expect(pipeline.begin(object, byteCount: 5_000) == nil)
      try pipeline.take(object, pieces)
      try pipeline.drain()
      let bytes = memory.expected(pieces, over: [UInt8](repeating: 0, count: 5_000))
      let sums = pipeline.takeResults().map(\.sum)
      #expect(sums == [ChecksumModel.sum(bytes.map { Int64($0) * 2 + 1 })], "seed \(seed)")
    }
    try pipeline.close()
  }

  @Test("a model that fails on one object leaves the others alone")
  func failure() throws {
    let memory = PacketMemory(frames: 8, seed: 3)
    memory.bytes[0] = 9
    memory.bytes[2_048] = 10
    let accelerator = DeviceAccelerator.cpu()
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let pipeline = try ObjectPipeline(
      accelerator, model: ChecksumModel.model(byteCount: 100, poison: 9), memory: registration,
      settings: ObjectSchedule.Settings(policy: .perPacket, tensorBytes: 100))
    for (object, source) in [(UInt64(1), 2_048), (2, 0), (3, 2_048)] {
      #expect(pipeline.begin(object, byteCount: 100) == nil)
      try pipeline.take(object, [PayloadPiece(source: source, destination: 0, length: 100)])
      try pipeline.poll()
    }
    try pipeline.drain()
    let results = pipeline.takeResults()
    #expect(results.map(\.object) == [1, 2, 3])
    #expect(results.map { $0.sum == nil } == [false, true, false])
    guard case .failed(let error) = results[1].outcome else {
      Issue.record("the second one failed")
      return
    }
    #expect(error.cause.contains("poisoned"))
    try pipeline.close()
  }

  @Test("a model that does not go with tensors or engine is refused before anything is received")
  func unsuitable() throws {
    let accelerator = DeviceAccelerator.cpu()
    let memory = PacketMemory(frames: 8, seed: 3)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let small = #expect(throws: AcceleratorError.self) {
      try ObjectPipeline(
        accelerator, model: ChecksumModel.model(byteCount: 101), memory: registration,
        settings: ObjectSchedule.Settings(policy: .perPacket, tensorBytes: 100))
    }
    #expect(small?.code == .unsuitable)
    let model = try AcceleratorModel(
      ChecksumModel(byteCount: 100), name: "for a GPU", engineDevice: .cuda(ordinal: 0))
    let tensor = try accelerator.makeTensor(byteCount: 100)
    let device = #expect(throws: AcceleratorError.self) {
      try accelerator.run(model, on: tensor, after: nil)
    }
    #expect(device?.code == .unsuitable)
    #expect(device?.remedy.contains("engine") == true)
    var failures = SimulatedFailures()
    failures.lacksBatchedCopy = true
    let lacking = DeviceAccelerator.simulatedCUDA(failures: failures)
    let other = try lacking.register(memory.readable, isReadOnly: false)
    let policy = #expect(throws: AcceleratorError.self) {
      try ObjectPipeline(
        lacking, model: ChecksumModel.model(byteCount: 100), memory: other,
        settings: ObjectSchedule.Settings(policy: .batchedCopy, tensorBytes: 100))
    }
    #expect(policy?.code == .unavailable)
  }

  @Test("a piece that leaves its object is refused, and the object can still become whole")
  func bounds() throws {
    let accelerator = DeviceAccelerator.cpu()
    let memory = PacketMemory(frames: 8, seed: 3)
    let registration = try accelerator.register(memory.readable, isReadOnly: false)
    let pipeline = try ObjectPipeline(
      accelerator, model: ChecksumModel.model(byteCount: 100), memory: registration,
      settings: ObjectSchedule.Settings(policy: .perPacket, tensorBytes: 4_096))
    #expect(pipeline.begin(1, byteCount: 99) == .wrongSize)
    #expect(pipeline.begin(1, byteCount: 100) == nil)
    let error = #expect(throws: AcceleratorError.self) {
      try pipeline.take(1, [PayloadPiece(source: 0, destination: 50, length: 51)])
    }
    #expect(error?.code == .outOfBounds)
    try pipeline.take(1, [PayloadPiece(source: 0, destination: 0, length: 100)])
    try pipeline.drain()
    #expect(pipeline.takeResults().count == 1)
    try pipeline.abandon(1)
    try pipeline.close()
  }
}

@Suite("What goes with an accelerator")
struct AcceleratorEndTests {
  @Test(
    "an accelerator that is dropped in the middle of transfers gives its memory back",
    arguments: TransferPolicy.allCases)
  func dropped(policy: TransferPolicy) throws {
    let memory = PacketMemory(frames: 64, seed: 5)
    var driver: SimulatedCUDA? = try SimulatedCUDA()
    weak let left = driver
    for _ in 0..<3 {
      let used = try #require(driver)
      let accelerator = DeviceAccelerator(name: "dropped", summary: "") {
        () throws(AcceleratorError) in used
      }
      let registration = try accelerator.register(memory.readable, isReadOnly: true)
      let tensor = try accelerator.makeTensor(byteCount: 64 * 1_000)
      let pieces = (0..<64).map { PayloadPiece(source: $0 * 2_048, destination: $0 * 1_000, length: 1_000) }
      _ = try accelerator.gather(pieces, from: registration, into: tensor, by: policy, closes: true)
    }
    #expect(driver?.regionCount == 0)
    driver = nil
    #expect(left == nil)
  }

  @Test("a pipeline that cannot have all its tensors gives back those that it made")
  func tensors() throws {
    var failures = SimulatedFailures()
    failures.memoryBytes = 2_500
    let memory = PacketMemory(frames: 4, seed: 5)
    let accelerator = DeviceAccelerator.simulatedCUDA(failures: failures)
    let registration = try accelerator.register(memory.readable, isReadOnly: true)
    var settings = ObjectSchedule.Settings(policy: .pull, tensorBytes: 1_000)
    settings.tensors = 3
    let error = #expect(throws: AcceleratorError.self) {
      try ObjectPipeline(
        accelerator, model: ChecksumModel.model(byteCount: 1_000), memory: registration, settings: settings)
    }
    #expect(error?.code == .outOfMemory)
    _ = try accelerator.makeTensor(byteCount: 2_500)
  }
}
