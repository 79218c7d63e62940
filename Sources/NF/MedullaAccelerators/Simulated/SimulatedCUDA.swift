import Foundation
import Glibc
import MedullaBase
import MedullaEngines
import Synchronization

/// A GPU for machines without one: memory of its own, streams on threads, kernels that run from the very PTX
/// that a real device is given, and errors where a real device has them.
///
/// With a cost model it has a clock of its own, which moves by calls and by `sleep(until:)` only.
package final class SimulatedCUDA: DeviceDriver {
  /// How kernels are run.
  package enum Kernels: Hashable, Sendable {
    /// Each instruction of the PTX.
    case instructions
    /// The forms in Swift, where there are some.
    case swift
  }

  private struct Event {
    let stream: Int
    let number: Int
    let time: Duration
  }

  private struct State: ~Copyable {
    let memory: SimulatedMemory
    var timeline: SimulatedTimeline?
    var lanes: [HostLane] = []
    /// Streams with a kernel that ends when it is told to: no clock knows when.
    var resident: Set<Int> = []
    var events: [Int: Event] = [:]
    var nextEvent = 0
    var calls = 0
    var launches = 0
    var isLost = false
  }

  private let state: Mutex<State>
  private let module: PTXModule
  private let kernels: Kernels
  private let failures: SimulatedFailures

  /// Seconds that a call waits for work that does not end, such as a kernel that is resident while memory is
  /// freed.
  private let patience: Double

  package static let streamLimit = 64

  package init(
    kernels: Kernels = .swift, cost: CostModel? = nil, failures: SimulatedFailures = SimulatedFailures(),
    patience: Double = 20
  ) throws(AcceleratorError) {
    self.patience = patience
    module = try PTXModule(DeviceKernel.text)
    self.kernels = kernels
    self.failures = failures
    state = Mutex(
      State(
        memory: SimulatedMemory(limit: failures.memoryBytes),
        timeline: cost.map { SimulatedTimeline($0) }))
  }

  /// Memory goes when no stream uses it any more.
  deinit {
    let limit = Date(timeIntervalSinceNow: patience)
    for lane in state.withLock({ $0.lanes }) { _ = lane.drain(until: limit) }
  }

  package var description: DeviceDescription {
    DeviceDescription(
      name: "simulated device", driver: "simulated CUDA", capability: module.target,
      memoryBytes: failures.memoryBytes, processors: 1, device: .cuda(ordinal: 0),
      batchedCopyObstacle: failures.lacksBatchedCopy
        ? AcceleratorError(
          .unavailable, "the driver has no batched copy call",
          remedy: "use a driver of CUDA 12.8 or later, or another transfer policy") : nil)
  }

  /// Allocations and registrations that are there.
  var regionCount: Int { state.withLock { $0.memory.regions.count } }

  package var now: Duration { state.withLock { $0.timeline?.now } ?? MonotonicClock.now }

  package func sleep(until time: Duration) { state.withLock { $0.timeline?.advance(to: time) } }

  package func resident(gave pieces: Int, byteCount: Int) -> Duration? {
    state.withLock { $0.timeline?.resident(gave: pieces, byteCount: byteCount) }
  }

  /// A call that reaches the driver.
  private func call<Value>(
    _ body: (inout State) throws(AcceleratorError) -> sending Value
  ) throws(AcceleratorError) -> sending Value {
    try state.withLock { state throws(AcceleratorError) in
      state.calls += 1
      if let losing = failures.losingCall, state.calls >= losing { state.isLost = true }
      guard !state.isLost else {
        throw AcceleratorError(
          .deviceLost, "the device is lost", remedy: "end this process and start it again")
      }
      return try body(&state)
    }
  }

  /// Waits until no stream has work, as calls that change the device's memory do.
  private func settle(_ what: String) throws(AcceleratorError) {
    let lanes = state.withLock { $0.lanes }
    let limit = Date(timeIntervalSinceNow: patience)
    for lane in lanes {
      guard lane.drain(until: limit) else {
        throw AcceleratorError(
          .failed, "\(what) waits for a kernel that does not end",
          remedy: "stop the resident kernel before memory of the device is made or given back")
      }
    }
  }

  package func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> DeviceAddress {
    guard !isReadOnly || !failures.refusesReadOnly else {
      throw AcceleratorError(
        .unavailable, "the device cannot read memory that the host may only read",
        remedy: "map the packet memory for writing, or use the policy \(TransferPolicy.staged.rawValue)")
    }
    try settle("registering memory")
    return try call { state throws(AcceleratorError) in
      DeviceAddress(try state.memory.register(memory, isReadOnly: isReadOnly).base)
    }
  }

  package func unregister(_ memory: UnsafeRawBufferPointer) throws(AcceleratorError) {
    try settle("giving registered memory back")
    try call { state throws(AcceleratorError) in
      guard let region = state.memory.registration(at: memory.baseAddress) else {
        throw AcceleratorError(.unknownHandle, "the memory is not registered")
      }
      try state.memory.remove(at: region.base) { if case .registered = $0 { true } else { false } }
    }
  }

  package func allocate(byteCount: Int) throws(AcceleratorError) -> DeviceAddress {
    try settle("allocating memory")
    return try call { state throws(AcceleratorError) in
      DeviceAddress(try state.memory.allocate(byteCount, .device).base)
    }
  }

  package func free(_ address: DeviceAddress) throws(AcceleratorError) {
    try settle("freeing memory")
    try call { state throws(AcceleratorError) in
      try state.memory.remove(at: address.raw) { if case .device = $0 { true } else { false } }
    }
  }

  package func allocatePinned(byteCount: Int) throws(AcceleratorError) -> PinnedMemory {
    try settle("allocating pinned memory")
    return try call { state throws(AcceleratorError) in
      let region = try state.memory.allocate(byteCount, .pinned)
      return PinnedMemory(
        pointer: region.pointer, byteCount: byteCount, address: DeviceAddress(region.base))
    }
  }

  package func freePinned(_ memory: PinnedMemory) throws(AcceleratorError) {
    try settle("freeing pinned memory")
    try call { state throws(AcceleratorError) in
      try state.memory.remove(at: memory.address.raw) { if case .pinned = $0 { true } else { false } }
    }
  }

  package func makeStream() throws(AcceleratorError) -> DeviceStream {
    try call { state throws(AcceleratorError) in
      guard state.lanes.count < Self.streamLimit else {
        throw AcceleratorError(.busy, "a simulated device has at most \(Self.streamLimit) streams")
      }
      state.lanes.append(HostLane(name: "medulla-stream-\(state.lanes.count)"))
      return DeviceStream(number: state.lanes.count - 1)
    }
  }

  package func copyOnHost(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
    state.withLock { $0.timeline?.copyOnHost(source.count) }
    guard let base = source.baseAddress else { return }
    memcpy(destination, base, source.count)
  }
}

// What is put on streams.
extension SimulatedCUDA {
  package func copy(_ copy: DeviceCopy, on stream: DeviceStream) throws(AcceleratorError) {
    try call { state throws(AcceleratorError) in
      state.timeline?.copy(copy.byteCount, on: stream.number)
      try Self.enqueue([copy], on: stream, &state)
    }
  }

  package func copyBatch(_ copies: [DeviceCopy], on stream: DeviceStream) throws(AcceleratorError) {
    if let obstacle = description.batchedCopyObstacle { throw obstacle }
    try call { state throws(AcceleratorError) in
      state.timeline?.copyBatch(copies.map(\.byteCount), on: stream.number)
      try Self.enqueue(copies, on: stream, &state)
    }
  }

  private static func enqueue(
    _ copies: [DeviceCopy], on stream: DeviceStream, _ state: inout State
  ) throws(AcceleratorError) {
    for copy in copies where !state.memory.isReachable(copy.source, copy.byteCount) {
      throw AcceleratorError(
        .failed, "a copy from memory that is not registered", cause: "\(copy.byteCount) bytes",
        remedy: "register the packet memory first; other memory is copied by the driver, which costs a copy")
    }
    let regions = state.memory.regions
    try state.lanes[stream.number].enqueue { () throws(AcceleratorError) in
      var memory = SimulatedKernelMemory(regions)
      for copy in copies {
        let to = try memory.resolve(copy.destination.raw, byteCount: copy.byteCount, isWrite: true)
        memcpy(to, copy.source, copy.byteCount)
      }
    }
  }

  package func copyBack(
    _ address: DeviceAddress, to memory: UnsafeMutableRawBufferPointer, on stream: DeviceStream
  ) throws(AcceleratorError) {
    let (lane, regions) = try call { state throws(AcceleratorError) in
      state.timeline?.copy(memory.count, on: stream.number)
      if let end = state.timeline?.end(of: stream.number) { state.timeline?.advance(to: end) }
      return (state.lanes[stream.number], state.memory.regions)
    }
    try lane.wait(for: lane.issued)
    var device = SimulatedKernelMemory(regions)
    let source = try device.resolve(address.raw, byteCount: memory.count, isWrite: false)
    if let base = memory.baseAddress { memcpy(base, source, memory.count) }
  }

  package func launch(_ launch: KernelLaunch, on stream: DeviceStream) throws(AcceleratorError) {
    guard let kernel = module.kernels[launch.kernel.rawValue] else {
      throw AcceleratorError(.failed, "the device's program has no \(launch.kernel.rawValue)")
    }
    let isInSwift = kernels == .swift && SwiftKernels.has(launch.kernel)
    try call { state throws(AcceleratorError) in
      state.launches += 1
      if state.launches == failures.failingLaunch {
        throw AcceleratorError(.failed, "\(launch.kernel.rawValue) could not be launched")
      }
      let regions = state.memory.regions
      let bytes = state.timeline == nil ? 0 : try Self.linkBytes(of: launch, SimulatedKernelMemory(regions))
      if launch.kernel == .gatherPersistent {
        state.resident.insert(stream.number)
      } else {
        state.timeline?.launch(linkBytes: bytes, on: stream.number)
      }
      try state.lanes[stream.number].enqueue { () throws(AcceleratorError) in
        var memory = SimulatedKernelMemory(regions)
        if isInSwift {
          try SwiftKernels.run(launch, memory: &memory)
        } else {
          try PTXExecution(kernel, launch).run(memory: &memory)
        }
      }
    }
  }

  /// What a gather will load from the host.
  private static func linkBytes(
    of launch: KernelLaunch, _ memory: SimulatedKernelMemory
  ) throws(AcceleratorError) -> Int {
    guard launch.kernel == .gather else { return 0 }
    var memory = memory
    let count = Int(launch.arguments[1].bits)
    guard count > 0 else { return 0 }
    let pieces = try memory.resolve(
      launch.arguments[0].bits, byteCount: count * DevicePiece.byteCount, isWrite: false)
    return (0..<count).reduce(0) {
      $0
        + Int(pieces.load(fromByteOffset: $1 * DevicePiece.byteCount, as: DevicePiece.self).length)
    }
  }

  package func perform(
    on stream: DeviceStream, after event: DeviceEvent?, cost: Duration, _ work: @escaping DeviceWork
  ) throws(AcceleratorError) -> DeviceEvent {
    if let event { try order(stream, after: event) }
    return try call { state throws(AcceleratorError) in
      state.timeline?.compute(cost, on: stream.number)
      try state.lanes[stream.number].enqueue(work)
      return Self.mark(stream, &state)
    }
  }

  private static func mark(_ stream: DeviceStream, _ state: inout State) -> DeviceEvent {
    state.nextEvent += 1
    state.events[state.nextEvent] = Event(
      stream: stream.number, number: state.lanes[stream.number].issued,
      time: state.timeline?.end(of: stream.number) ?? .zero)
    return DeviceEvent(number: state.nextEvent)
  }

  package func record(on stream: DeviceStream) throws(AcceleratorError) -> DeviceEvent {
    try call { state throws(AcceleratorError) in Self.mark(stream, &state) }
  }

  private func find(_ event: DeviceEvent) throws(AcceleratorError) -> (Event, HostLane, isDue: Bool) {
    try call { state throws(AcceleratorError) in
      guard let found = state.events[event.number] else {
        throw AcceleratorError(.unknownHandle, "event \(event.number) is not there any more")
      }
      return (found, state.lanes[found.stream], state.timeline.map { $0.now >= found.time } ?? true)
    }
  }

  package func isComplete(_ event: DeviceEvent) throws(AcceleratorError) -> Bool {
    let (found, lane, isDue) = try find(event)
    guard isDue else { return false }
    // On a clock of its own the time alone tells, so that the same calls give the same answers.
    let isTimed = state.withLock { $0.timeline != nil && !$0.resident.contains(found.stream) }
    guard isTimed else { return try lane.isDone(found.number) }
    try lane.wait(for: found.number)
    return true
  }

  package func wait(for event: DeviceEvent) throws(AcceleratorError) {
    let (found, lane, _) = try find(event)
    state.withLock { $0.timeline?.advance(to: found.time) }
    try lane.wait(for: found.number)
  }

  package func order(_ stream: DeviceStream, after event: DeviceEvent) throws(AcceleratorError) {
    let (found, lane, _) = try find(event)
    guard found.stream != stream.number else { return }
    try call { state throws(AcceleratorError) in
      state.timeline?.order(stream.number, after: found.time)
      try state.lanes[stream.number].enqueue { () throws(AcceleratorError) in
        try lane.wait(for: found.number)
      }
    }
  }

  package func time(of event: DeviceEvent) -> Duration? {
    state.withLock { $0.timeline == nil ? nil : $0.events[event.number]?.time }
  }

  package func discard(_ event: DeviceEvent) {
    state.withLock { _ = $0.events.removeValue(forKey: event.number) }
  }

  /// The processor stands in for the device's engine, so it is given the memory behind the address.
  package func view(
    _ address: DeviceAddress, element: TensorElement, shape: [Int]
  ) throws(AcceleratorError) -> TensorView {
    let regions = state.withLock { $0.memory.regions }
    var memory = SimulatedKernelMemory(regions)
    let byteCount = shape.reduce(element.size, *)
    let pointer = try memory.resolve(address.raw, byteCount: byteCount, isWrite: true)
    return TensorView(element: element, shape: shape, at: pointer)
  }
}
