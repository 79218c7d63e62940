import MedullaBase
import MedullaEngines
import MedullaPayload
import Synchronization

/// An accelerator over a device driver, which is opened when it is first needed.
package final class DeviceAccelerator: Accelerator, @unchecked Sendable {
  package typealias Opening = @Sendable () throws(AcceleratorError) -> any DeviceDriver

  private final class Session {
    let driver: any DeviceDriver
    let transfers: TransferQueue
    let compute: DeviceStream
    var memories: [Int: RegisteredMemory] = [:]
    var tensors: [Int: DeviceTensor] = [:]
    /// What models of objects that are widened read, by the object's tensor.
    var wide: [Int: DeviceTensor] = [:]
    var next = 0

    init(_ driver: any DeviceDriver) throws(AcceleratorError) {
      self.driver = driver
      transfers = try TransferQueue(driver)
      compute = try driver.makeStream()
    }

    func number() -> Int {
      next += 1
      return next
    }

    /// Gives the device back what is its own. On one that has failed, what cannot be is left to its driver.
    func close() {
      try? transfers.close()
      if let idle = try? driver.perform(on: compute, after: nil, cost: .zero, {}) {
        try? driver.wait(for: idle)
      }
      for tensor in tensors.values { try? driver.free(tensor.address) }
      for memory in memories.values {
        try? driver.unregister(UnsafeRawBufferPointer(start: memory.base, count: memory.byteCount))
      }
    }
  }

  package let name: String
  package let summary: String
  private let opening: Opening
  private let lock = Mutex(())
  // Below `lock`.
  private var session: Session?

  package static let memoryLimit = 64
  package static let tensorLimit = 1_024

  package init(name: String, summary: String, opening: @escaping Opening) {
    self.name = name
    self.summary = summary
    self.opening = opening
  }

  deinit { session?.close() }

  private func use<Value>(
    _ body: (Session) throws(AcceleratorError) -> Value
  ) throws(AcceleratorError) -> Value {
    // The value is this caller's alone, or may be shared; neither is part of what the lock guards.
    nonisolated(unsafe) let body = body
    nonisolated(unsafe) var value: Value?
    try lock.withLock { _ throws(AcceleratorError) in value = try body(try open()) }
    guard let value else { throw AcceleratorError(.failed, "\(name) gave nothing") }
    return value
  }

  private func open() throws(AcceleratorError) -> Session {
    if let session { return session }
    let made = try Session(try opening())
    session = made
    return made
  }

  package var obstacle: AcceleratorError? {
    do throws(AcceleratorError) {
      _ = try describe()
      return nil
    } catch { return error }
  }

  /// The driver itself, for kernels of other uses.
  package func driver() throws(AcceleratorError) -> any DeviceDriver {
    try use { session throws(AcceleratorError) in session.driver }
  }

  package func describe() throws(AcceleratorError) -> DeviceDescription {
    try use { session throws(AcceleratorError) in session.driver.description }
  }

  package func obstacle(to policy: TransferPolicy) throws(AcceleratorError) -> AcceleratorError? {
    policy == .batchedCopy ? try describe().batchedCopyObstacle : nil
  }

  package var clock: Duration {
    lock.withLock { _ in session?.driver.now } ?? MonotonicClock.now
  }

  package func sleep(until time: Duration) { lock.withLock { _ in session?.driver.sleep(until: time) } }

  package func register(
    _ memory: UnsafeRawBufferPointer, isReadOnly: Bool
  ) throws(AcceleratorError) -> MemoryRegistration {
    try use { session throws(AcceleratorError) in
      guard let base = memory.baseAddress, session.memories.count < Self.memoryLimit else {
        throw AcceleratorError(
          .busy, "no memory, or more than \(Self.memoryLimit) memories, cannot be registered")
      }
      try session.transfers.quiesce()
      let address = try session.driver.register(memory, isReadOnly: isReadOnly)
      let number = session.number()
      session.memories[number] = RegisteredMemory(base: base, byteCount: memory.count, address: address)
      return MemoryRegistration(number: number, byteCount: memory.count, isReadOnly: isReadOnly)
    }
  }

  package func unregister(_ registration: MemoryRegistration) throws(AcceleratorError) {
    try use { session throws(AcceleratorError) in
      let memory = try Self.memory(registration, session)
      try session.transfers.fence(session.transfers.last)
      try session.transfers.quiesce()
      try session.driver.unregister(UnsafeRawBufferPointer(start: memory.base, count: memory.byteCount))
      session.memories[registration.number] = nil
    }
  }

  private static func memory(
    _ registration: MemoryRegistration, _ session: Session
  ) throws(AcceleratorError) -> RegisteredMemory {
    guard let memory = session.memories[registration.number] else {
      throw AcceleratorError(
        .unknownHandle, "the packet memory is not registered here", remedy: "register it first")
    }
    return memory
  }

  private static func check(_ tensor: DeviceTensor, _ session: Session) throws(AcceleratorError) {
    guard session.tensors[tensor.number] == tensor else {
      throw AcceleratorError(.unknownHandle, "the tensor is not of this accelerator, or was freed")
    }
  }

  package func makeTensor(byteCount: Int) throws(AcceleratorError) -> DeviceTensor {
    try use { session throws(AcceleratorError) in try Self.makeTensor(byteCount, session) }
  }

  private static func makeTensor(
    _ byteCount: Int, _ session: Session
  ) throws(AcceleratorError) -> DeviceTensor {
    guard byteCount > 0, session.tensors.count < tensorLimit else {
      throw AcceleratorError(
        .outOfBounds, "a tensor of \(byteCount) bytes cannot be made",
        cause: "there are \(session.tensors.count) of at most \(tensorLimit)")
    }
    try session.transfers.quiesce()
    let address = try session.driver.allocate(byteCount: byteCount)
    let tensor = DeviceTensor(number: session.number(), byteCount: byteCount, address: address)
    session.tensors[tensor.number] = tensor
    return tensor
  }

  package func free(_ tensor: DeviceTensor) throws(AcceleratorError) {
    try use { session throws(AcceleratorError) in
      try Self.check(tensor, session)
      try session.transfers.fence(session.transfers.last)
      try session.transfers.quiesce()
      let idle = try session.driver.perform(on: session.compute, after: nil, cost: .zero) {}
      try session.driver.wait(for: idle)
      session.driver.discard(idle)
      try session.transfers.forget(tensor)
      for tensor in [tensor, session.wide.removeValue(forKey: tensor.number)].compactMap(\.self) {
        try session.driver.free(tensor.address)
        session.tensors[tensor.number] = nil
      }
    }
  }

  package func gather(
    _ pieces: [PayloadPiece], from memory: MemoryRegistration, into tensor: DeviceTensor,
    by policy: TransferPolicy, closes: Bool
  ) throws(AcceleratorError) -> TransferTicket {
    try use { session throws(AcceleratorError) in
      let registered = try Self.memory(memory, session)
      try Self.check(tensor, session)
      try PieceBounds.check(pieces, memory: registered.byteCount, tensor: tensor.byteCount)
      return try session.transfers.gather(pieces, from: registered, into: tensor, by: policy, closes: closes)
    }
  }

  package func isDone(_ ticket: TransferTicket) throws(AcceleratorError) -> Bool {
    try use { session throws(AcceleratorError) in
      try Self.check(ticket, session)
      return try session.transfers.isDone(ticket)
    }
  }

  package func time(of ticket: TransferTicket) throws(AcceleratorError) -> Duration? {
    nonisolated(unsafe) var time: Duration?
    try use { session throws(AcceleratorError) in
      try Self.check(ticket, session)
      time = try session.transfers.time(of: ticket)
    }
    return time
  }

  package func fence(_ ticket: TransferTicket) throws(AcceleratorError) {
    try use { session throws(AcceleratorError) in
      try Self.check(ticket, session)
      try session.transfers.fence(ticket)
    }
  }

  private static func check(_ ticket: TransferTicket, _ session: Session) throws(AcceleratorError) {
    guard ticket <= session.transfers.last else {
      throw AcceleratorError(.unknownHandle, "the ticket \(ticket.number) was not given out here")
    }
  }

  package func run(
    _ model: AcceleratorModel, on tensor: DeviceTensor, after ticket: TransferTicket?
  ) throws(AcceleratorError) -> ModelRun {
    try use { session throws(AcceleratorError) in
      try Self.check(tensor, session)
      guard model.objectBytes <= tensor.byteCount else {
        throw AcceleratorError(
          .unsuitable, "the model \(model.name) takes \(model.objectBytes) bytes",
          cause: "the tensor has \(tensor.byteCount)")
      }
      let event = try ticket.flatMap { ticket throws(AcceleratorError) in
        try Self.check(ticket, session)
        return try session.transfers.event(after: ticket)
      }
      let input = try Self.input(of: model, on: tensor, after: event, session)
      guard input.device == model.device else {
        throw AcceleratorError(
          .unsuitable, "the model \(model.name) does not take tensors of this device",
          cause: "they lie in \(input.device), its engine's in \(model.device)",
          remedy: "load it with an engine of that device")
      }
      let run = ModelRun(model, driver: session.driver)
      let done = try session.driver.perform(
        on: session.compute, after: event, cost: model.simulatedCost
      ) { [outputs = run.outputs] () throws(AcceleratorError) in model.compute(input, outputs) }
      run.begin(done)
      if let event { session.driver.discard(event) }
      return run
    }
  }

  /// The model's input: the tensor, or what 8-bit values become.
  private static func input(
    of model: AcceleratorModel, on tensor: DeviceTensor, after event: DeviceEvent?, _ session: Session
  ) throws(AcceleratorError) -> TensorView {
    guard let conversion = model.conversion else {
      return try session.driver.view(tensor.address, element: model.input.element, shape: model.shape)
    }
    let wide: DeviceTensor
    let bytes = model.elements * TensorElement.float32.size
    if let known = session.wide[tensor.number], known.byteCount >= bytes {
      wide = known
    } else {
      wide = try makeTensor(bytes, session)
      session.wide[tensor.number] = wide
    }
    if let event { try session.driver.order(session.compute, after: event) }
    let blocks = min((model.elements + 255) / 256, 1_024)
    try session.driver.launch(
      KernelLaunch(
        .bytesToFloat, blocks: blocks, threads: 256,
        [
          .address(tensor.address), .address(wide.address), .word(UInt32(model.elements)),
          .float(conversion.scale), .float(conversion.bias),
        ]), on: session.compute)
    return try session.driver.view(wide.address, element: .float32, shape: model.shape)
  }

  package func copyBack(
    _ tensor: DeviceTensor, byteCount: Int
  ) throws(AcceleratorError) -> [UInt8] {
    try use { session throws(AcceleratorError) in
      try Self.check(tensor, session)
      guard (0...tensor.byteCount).contains(byteCount) else {
        throw AcceleratorError(
          .outOfBounds, "\(byteCount) bytes are not in a tensor of \(tensor.byteCount)")
      }
      return try session.transfers.copyBack(tensor, byteCount: byteCount)
    }
  }

  package func quiesce() throws(AcceleratorError) {
    try use { session throws(AcceleratorError) in try session.transfers.quiesce() }
  }
}

extension DeviceAccelerator {
  package static func cpu() -> DeviceAccelerator {
    DeviceAccelerator(name: "cpu", summary: "the processor, on tensors in host memory") {
      () throws(AcceleratorError) in HostDriver()
    }
  }

  package static func simulatedCUDA(
    kernels: SimulatedCUDA.Kernels = .swift, cost: CostModel? = nil,
    failures: SimulatedFailures = SimulatedFailures()
  ) -> DeviceAccelerator {
    DeviceAccelerator(name: "simulated-cuda", summary: "a CUDA device that is simulated on the processor") {
      () throws(AcceleratorError) in try SimulatedCUDA(kernels: kernels, cost: cost, failures: failures)
    }
  }

  /// - Parameter library: the driver's library; nil: the system's.
  package static func cuda(ordinal: Int = 0, library: String? = nil) -> DeviceAccelerator {
    DeviceAccelerator(name: "cuda", summary: "an NVIDIA GPU, by its driver") {
      () throws(AcceleratorError) in try CUDADriver(ordinal: ordinal, library: library)
    }
  }
}
