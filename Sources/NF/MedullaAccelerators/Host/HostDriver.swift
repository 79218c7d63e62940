import Foundation
import Glibc
import MedullaBase
import MedullaEngines
import Synchronization

/// The processor itself as a device: its memory is the host's, copies are made by who asks for them, and
/// kernels are their forms in Swift. Only models and resident kernels have threads of their own.
package final class HostDriver: DeviceDriver {
  private struct State: ~Copyable {
    var allocations: [UInt64: Int] = [:]
    var lanes: [HostLane?] = []
    /// An event is a place in a stream's lane; nil: all was done when it was recorded.
    var events: [Int: (stream: Int, number: Int)] = [:]
    var nextEvent = 0
    var registered: [UInt: Int] = [:]
  }

  private let state = Mutex(State())

  /// Seconds that the last work has when the driver goes.
  private static let patience: Double = 20

  package init() {}

  deinit {
    let (lanes, allocations) = state.withLock { ($0.lanes, $0.allocations) }
    let limit = Date(timeIntervalSinceNow: Self.patience)
    // Memory that a thread still writes to is not given back.
    guard lanes.allSatisfy({ $0?.drain(until: limit) ?? true }) else { return }
    for address in allocations.keys { Glibc.free(UnsafeMutableRawPointer(bitPattern: UInt(address))) }
  }

  package var description: DeviceDescription {
    DeviceDescription(
      name: "host memory", driver: "", capability: "",
      memoryBytes: Int(clamping: ProcessInfo.processInfo.physicalMemory),
      processors: ProcessInfo.processInfo.activeProcessorCount, device: .host)
  }

  package var now: Duration { MonotonicClock.now }
  package func sleep(until time: Duration) {}
  package func time(of event: DeviceEvent) -> Duration? { nil }
  package func resident(gave pieces: Int, byteCount: Int) -> Duration? { nil }

  package func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> DeviceAddress {
    let key = UInt(bitPattern: memory.baseAddress)
    let isNew = state.withLock { $0.registered.updateValue(memory.count, forKey: key) == nil }
    guard isNew, !memory.isEmpty else {
      throw AcceleratorError(.failed, "the memory is empty or registered already")
    }
    return DeviceAddress(UInt64(key))
  }

  package func unregister(_ memory: UnsafeRawBufferPointer) throws(AcceleratorError) {
    let key = UInt(bitPattern: memory.baseAddress)
    guard state.withLock({ $0.registered.removeValue(forKey: key) }) != nil else {
      throw AcceleratorError(.unknownHandle, "the memory is not registered")
    }
  }

  package func allocate(byteCount: Int) throws(AcceleratorError) -> DeviceAddress {
    DeviceAddress(UInt64(UInt(bitPattern: try allocatePinned(byteCount: byteCount).pointer)))
  }

  package func free(_ address: DeviceAddress) throws(AcceleratorError) {
    guard state.withLock({ $0.allocations.removeValue(forKey: address.raw) }) != nil else {
      throw AcceleratorError(.unknownHandle, "nothing is allocated at \(address)")
    }
    Glibc.free(UnsafeMutableRawPointer(bitPattern: UInt(address.raw)))
  }

  package func allocatePinned(byteCount: Int) throws(AcceleratorError) -> PinnedMemory {
    var pointer: UnsafeMutableRawPointer?
    guard byteCount > 0, posix_memalign(&pointer, Self.alignment, byteCount) == 0, let pointer else {
      throw AcceleratorError(.outOfMemory, "no \(byteCount) bytes of memory for a tensor")
    }
    memset(pointer, 0, byteCount)
    let address = UInt64(UInt(bitPattern: pointer))
    state.withLock { $0.allocations[address] = byteCount }
    return PinnedMemory(pointer: pointer, byteCount: byteCount, address: DeviceAddress(address))
  }

  package func freePinned(_ memory: PinnedMemory) throws(AcceleratorError) { try free(memory.address) }

  /// Of tensors: a cache line, and what vector loads want.
  private static let alignment = 64

  package func makeStream() throws(AcceleratorError) -> DeviceStream {
    state.withLock { state in
      state.lanes.append(nil)
      return DeviceStream(number: state.lanes.count - 1)
    }
  }

  package func copy(_ copy: DeviceCopy, on stream: DeviceStream) throws(AcceleratorError) {
    guard let destination = UnsafeMutableRawPointer(bitPattern: UInt(copy.destination.raw)) else {
      throw AcceleratorError(.failed, "a copy to the address 0")
    }
    memcpy(destination, copy.source, copy.byteCount)
  }

  package func copyBatch(_ copies: [DeviceCopy], on stream: DeviceStream) throws(AcceleratorError) {
    for one in copies { try copy(one, on: stream) }
  }

  package func copyBack(
    _ address: DeviceAddress, to memory: UnsafeMutableRawBufferPointer, on stream: DeviceStream
  ) throws(AcceleratorError) {
    if let lane = state.withLock({ $0.lanes[stream.number] }) { try lane.wait(for: lane.issued) }
    guard let source = UnsafeRawPointer(bitPattern: UInt(address.raw)), let base = memory.baseAddress else {
      throw AcceleratorError(.failed, "a copy from or to the address 0")
    }
    memcpy(base, source, memory.count)
  }

  package func copyOnHost(_ source: UnsafeRawBufferPointer, to destination: UnsafeMutableRawPointer) {
    guard let base = source.baseAddress else { return }
    memcpy(destination, base, source.count)
  }

  package func launch(_ launch: KernelLaunch, on stream: DeviceStream) throws(AcceleratorError) {
    guard launch.kernel == .gatherPersistent else {
      var memory = HostKernelMemory()
      return try SwiftKernels.run(launch, memory: &memory)
    }
    try lane(of: stream).enqueue { () throws(AcceleratorError) in
      var memory = HostKernelMemory()
      try SwiftKernels.run(launch, memory: &memory)
    }
  }

  private func lane(of stream: DeviceStream) -> HostLane {
    state.withLock { state in
      if let lane = state.lanes[stream.number] { return lane }
      let lane = HostLane(name: "medulla-lane-\(stream.number)")
      state.lanes[stream.number] = lane
      return lane
    }
  }

  package func perform(
    on stream: DeviceStream, after event: DeviceEvent?, cost: Duration, _ work: @escaping DeviceWork
  ) throws(AcceleratorError) -> DeviceEvent {
    let earlier = event.flatMap(place(of:))
    let number = try lane(of: stream).enqueue { () throws(AcceleratorError) in
      if let (lane, number) = earlier { try lane.wait(for: number) }
      try work()
    }
    return mark(at: (stream.number, number))
  }

  private func mark(at place: (stream: Int, number: Int)?) -> DeviceEvent {
    state.withLock { state in
      state.nextEvent += 1
      if let place { state.events[state.nextEvent] = place }
      return DeviceEvent(number: state.nextEvent)
    }
  }

  package func record(on stream: DeviceStream) throws(AcceleratorError) -> DeviceEvent {
    let lane = state.withLock { $0.lanes[stream.number] }
    return mark(at: lane.map { (stream.number, $0.issued) })
  }

  private func place(of event: DeviceEvent) -> (lane: HostLane, number: Int)? {
    state.withLock { state in
      guard let place = state.events[event.number], let lane = state.lanes[place.stream] else { return nil }
      return (lane, place.number)
    }
  }

  package func isComplete(_ event: DeviceEvent) throws(AcceleratorError) -> Bool {
    guard let (lane, number) = place(of: event) else { return true }
    return try lane.isDone(number)
  }

  package func wait(for event: DeviceEvent) throws(AcceleratorError) {
    guard let (lane, number) = place(of: event) else { return }
    try lane.wait(for: number)
  }

  /// Copies are made at once, so what follows can only wait here.
  package func order(_ stream: DeviceStream, after event: DeviceEvent) throws(AcceleratorError) {
    try wait(for: event)
  }

  package func discard(_ event: DeviceEvent) {
    state.withLock { _ = $0.events.removeValue(forKey: event.number) }
  }

  package func view(
    _ address: DeviceAddress, element: TensorElement, shape: [Int]
  ) throws(AcceleratorError) -> TensorView {
    TensorView(element: element, shape: shape, address: address.raw, device: .host)
  }
}
