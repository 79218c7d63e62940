import MedullaBase
import MedullaEngines
import Synchronization

/// A real GPU, by the CUDA driver's own interface.
package final class CUDADriver: DeviceDriver, @unchecked Sendable {
  private enum Event {
    case device(OpaquePointer)
    /// Work for a processor: its place in a stream's lane.
    case lane(HostLane, Int)
  }

  // Handles of the driver, which may be used by any thread; the tables change under `state`.
  private struct State: @unchecked Sendable {
    var streams: [OpaquePointer] = []
    var lanes: [Int: HostLane] = [:]
    var events: [Int: Event] = [:]
    /// Events that are not in use: making one costs more than recording it.
    var spare: [OpaquePointer] = []
    var nextEvent = 0
  }

  private let device: CUDADevice
  private let library: CUDALibrary
  private let state = Mutex(State())

  package static let spareLimit = 1_024

  /// - Parameter library: the driver's library; another one only in tests.
  /// - Throws: `unavailable` where there is no driver or no such device.
  package init(ordinal: Int = 0, library path: String? = nil) throws(AcceleratorError) {
    library = try CUDALibrary(path: path ?? CUDALibrary.standardPath)
    device = try CUDADevice(library, ordinal: ordinal)
  }

  deinit {
    let state = state.withLock { $0 }
    _ = library.setContext(device.context)
    for stream in state.streams { _ = library.destroyStream(stream) }
    for event in state.spare { _ = library.destroyEvent(event) }
    _ = library.releaseContext(device.number)
  }

  package var description: DeviceDescription { device.description }
  package var now: Duration { MonotonicClock.now }
  package func sleep(until time: Duration) {}
  package func time(of event: DeviceEvent) -> Duration? { nil }
  package func resident(gave pieces: Int, byteCount: Int) -> Duration? { nil }

  /// The context belongs to a thread; any thread may call.
  private func enter() throws(AcceleratorError) {
    try library.check(library.setContext(device.context), "use the device")
  }

  private func handle(_ stream: DeviceStream) -> OpaquePointer? {
    state.withLock { $0.streams.indices.contains(stream.number) ? $0.streams[stream.number] : nil }
  }

  package func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> DeviceAddress {
    guard let base = memory.baseAddress, !memory.isEmpty else {
      throw AcceleratorError(.failed, "no memory to register")
    }
    guard !isReadOnly || device.readsReadOnly else {
      throw AcceleratorError(
        .unavailable, "the device cannot read memory that the host may only read",
        remedy: "map the packet memory for writing, or use the policy \(TransferPolicy.staged.rawValue)")
    }
    try enter()
    // Portable, mapped for the device; and read only where the mapping is.
    let flags: UInt32 = 1 | 2 | (isReadOnly ? 8 : 0)
    let pointer = UnsafeMutableRawPointer(mutating: base)
    try library.check(
      library.registerHost(pointer, memory.count, flags), "register \(memory.count) bytes of memory")
    var address: UInt64 = 0
    try library.check(library.hostDevicePointer(&address, pointer, 0), "find registered memory")
    return DeviceAddress(address)
  }

  package func unregister(_ memory: UnsafeRawBufferPointer) throws(AcceleratorError) {
    guard let base = memory.baseAddress else { return }
    try enter()
    try library.check(
      library.unregisterHost(UnsafeMutableRawPointer(mutating: base)), "give registered memory back")
  }

  package func allocate(byteCount: Int) throws(AcceleratorError) -> DeviceAddress {
    try enter()
    var address: UInt64 = 0
    try library.check(library.allocate(&address, byteCount), "allocate \(byteCount) bytes on the device")
    return DeviceAddress(address)
  }

  package func free(_ address: DeviceAddress) throws(AcceleratorError) {
    try enter()
    try library.check(library.free(address.raw), "free memory of the device")
  }

  package func allocatePinned(byteCount: Int) throws(AcceleratorError) -> PinnedMemory {
    try enter()
    var pointer: UnsafeMutableRawPointer?
    try library.check(library.allocateHost(&pointer, byteCount, 1 | 2), "pin \(byteCount) bytes")
    guard let pointer else { throw AcceleratorError(.outOfMemory, "no \(byteCount) bytes to pin") }
    var address: UInt64 = 0
    try library.check(library.hostDevicePointer(&address, pointer, 0), "find pinned memory")
    return PinnedMemory(pointer: pointer, byteCount: byteCount, address: DeviceAddress(address))
  }

  package func freePinned(_ memory: PinnedMemory) throws(AcceleratorError) {
    try enter()
    try library.check(library.freeHost(memory.pointer), "free pinned memory")
  }

  package func makeStream() throws(AcceleratorError) -> DeviceStream {
    try enter()
    var stream: OpaquePointer?
    // Without an order of its own towards the default stream.
    try library.check(library.createStream(&stream, 1), "make a stream")
    guard let stream else { throw AcceleratorError(.failed, "the driver gave no stream") }
    return state.withLock { state in
      state.streams.append(stream)
      return DeviceStream(number: state.streams.count - 1)
    }
  }

  package func copyOnHost(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
    guard let base = source.baseAddress else { return }
    destination.copyMemory(from: base, byteCount: source.count)
  }

  package func view(
    _ address: DeviceAddress, element: TensorElement, shape: [Int]
  ) throws(AcceleratorError) -> TensorView {
    TensorView(element: element, shape: shape, address: address.raw, device: .cuda(ordinal: device.ordinal))
  }
}

// What is put on streams.
extension CUDADriver {
  package func copy(_ copy: DeviceCopy, on stream: DeviceStream) throws(AcceleratorError) {
    try enter()
    try library.check(
      library.copyToDevice(copy.destination.raw, copy.source, copy.byteCount, handle(stream)),
      "copy \(copy.byteCount) bytes to the device")
  }

  package func copyBatch(_ copies: [DeviceCopy], on stream: DeviceStream) throws(AcceleratorError) {
    guard let copyBatch = library.copyBatch else {
      throw device.description.batchedCopyObstacle ?? AcceleratorError(.unavailable, "no batched copy call")
    }
    guard !copies.isEmpty else { return }
    try enter()
    var destinations = copies.map(\.destination.raw)
    var sources = copies.map { UInt64(UInt(bitPattern: $0.source)) }
    var sizes = copies.map(\.byteCount)
    var attributes = CUDACopyAttributes()
    var first = 0
    var failed = Int.max
    let stream = handle(stream)
    let result = withUnsafeMutablePointer(to: &attributes) {
      copyBatch(&destinations, &sources, &sizes, copies.count, $0, &first, 1, &failed, stream)
    }
    try library.check(result, "copy a batch of \(copies.count)")
  }

  package func copyBack(
    _ address: DeviceAddress, to memory: UnsafeMutableRawBufferPointer, on stream: DeviceStream
  ) throws(AcceleratorError) {
    guard let base = memory.baseAddress else { return }
    if let lane = state.withLock({ $0.lanes[stream.number] }) { try lane.wait(for: lane.issued) }
    try enter()
    try library.check(
      library.copyToHost(base, address.raw, memory.count, handle(stream)), "copy from the device")
    try library.check(library.synchronizeStream(handle(stream)), "wait for a copy from the device")
  }

  package func launch(_ launch: KernelLaunch, on stream: DeviceStream) throws(AcceleratorError) {
    try enter()
    var bits = launch.arguments.map(\.bits)
    let result = bits.withUnsafeMutableBufferPointer { bits in
      var pointers = bits.indices.map { index in
        bits.baseAddress.map { UnsafeMutableRawPointer($0 + index) }
      }
      return library.launch(
        device.functions[launch.kernel], UInt32(launch.blocks), 1, 1, UInt32(launch.threads), 1, 1, 0,
        handle(stream), &pointers, nil)
    }
    try library.check(result, "launch \(launch.kernel.rawValue)")
  }

  /// The stream's lane waits for the device, so that the calling thread need not. Works of one stream are in
  /// order among themselves and after what was on the stream before them.
  package func perform(
    on stream: DeviceStream, after event: DeviceEvent?, cost: Duration, _ work: @escaping DeviceWork
  ) throws(AcceleratorError) -> DeviceEvent {
    if let event { try order(stream, after: event) }
    let before = try record(on: stream)
    let lane = state.withLock { state in
      if let lane = state.lanes[stream.number] { return lane }
      let lane = HostLane(name: "medulla-lane-\(stream.number)")
      state.lanes[stream.number] = lane
      return lane
    }
    let number = try lane.enqueue { [weak self] () throws(AcceleratorError) in
      guard let self else { return }
      defer { discard(before) }
      try wait(for: before)
      try work()
    }
    return mark(.lane(lane, number))
  }

  private func mark(_ event: sending Event) -> DeviceEvent {
    state.withLock { state in
      state.nextEvent += 1
      state.events[state.nextEvent] = event
      return DeviceEvent(number: state.nextEvent)
    }
  }

  package func record(on stream: DeviceStream) throws(AcceleratorError) -> DeviceEvent {
    try enter()
    var event = state.withLock { $0.spare.popLast() }
    // Without times, which cost the device something.
    if event == nil { try library.check(library.createEvent(&event, 2), "make an event") }
    guard let event else { throw AcceleratorError(.failed, "the driver gave no event") }
    try library.check(library.recordEvent(event, handle(stream)), "record an event")
    return mark(.device(event))
  }

  private func find(_ event: DeviceEvent) throws(AcceleratorError) -> Event {
    guard let found = state.withLock({ $0.events[event.number] }) else {
      throw AcceleratorError(.unknownHandle, "event \(event.number) is not there any more")
    }
    return found
  }

  package func isComplete(_ event: DeviceEvent) throws(AcceleratorError) -> Bool {
    switch try find(event) {
    case .lane(let lane, let number): return try lane.isDone(number)
    case .device(let handle):
      try enter()
      let result = library.queryEvent(handle)
      if result == CUDALibrary.notReady { return false }
      try library.check(result, "ask after work of the device")
      return true
    }
  }

  package func wait(for event: DeviceEvent) throws(AcceleratorError) {
    switch try find(event) {
    case .lane(let lane, let number): try lane.wait(for: number)
    case .device(let handle):
      try enter()
      try library.check(library.synchronizeEvent(handle), "wait for the device")
    }
  }

  package func order(_ stream: DeviceStream, after event: DeviceEvent) throws(AcceleratorError) {
    switch try find(event) {
    case .lane(let lane, let number): try lane.wait(for: number)
    case .device(let handle):
      try enter()
      try library.check(
        library.streamWaitEvent(self.handle(stream), handle, 0), "have a stream wait for another")
    }
  }

  package func discard(_ event: DeviceEvent) {
    let surplus = state.withLock { state -> OpaquePointer? in
      guard case .device(let handle) = state.events.removeValue(forKey: event.number) else { return nil }
      guard state.spare.count >= Self.spareLimit else {
        state.spare.append(handle)
        return nil
      }
      return handle
    }
    if let surplus { _ = library.destroyEvent(surplus) }
  }
}
