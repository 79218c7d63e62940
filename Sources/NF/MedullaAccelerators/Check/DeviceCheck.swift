import MedullaBase
import MedullaModel
import MedullaPayload
import MedullaSnapshot

/// Checks a device: every policy on objects of several sizes, every byte compared, and every kernel against
/// what it must give.
package struct DeviceCheck {
  /// Of objects: 50 KB, an image of 224 · 224 in bytes and in floats, 1 MB and 2 MB.
  package static let sizes = [50_000, 150_528, 602_112, 1_000_000, 2_000_000]
  package static let seed: UInt64 = 20_261_130

  package var sizes = DeviceCheck.sizes
  package var payload = 1_024
  package var batch = 64
  /// Transfers of one size by one policy.
  package var rounds = 20
  package var frames = 4_096
  private let accelerator: DeviceAccelerator
  private let isSimulated: Bool

  package init(_ accelerator: DeviceAccelerator, isSimulated: Bool) {
    self.accelerator = accelerator
    self.isSimulated = isSimulated
  }

  /// - Throws: what stands in the way of any check, such as `unavailable` where there is no device.
  package func run() throws(AcceleratorError) -> DeviceCheckReport {
    let device = try accelerator.describe()
    var report = DeviceCheckReport(
      device: device.name, driver: device.driver, capability: device.capability,
      memoryBytes: device.memoryBytes, processors: device.processors, isSimulated: isSimulated)
    let memory = try CheckMemory(frames: frames, seed: Self.seed)
    let registration: MemoryRegistration
    do throws(AcceleratorError) {
      registration = try accelerator.register(memory.readable, isReadOnly: true)
      report.readsReadOnly = true
    } catch {
      guard error.code == .unavailable else { throw error }
      registration = try accelerator.register(memory.whole, isReadOnly: false)
    }
    report.registeredBytes = memory.byteCount
    let tensor = try accelerator.makeTensor(byteCount: sizes.max() ?? 1)
    for size in sizes {
      for policy in TransferPolicy.allCases {
        report.transfers.append(transfer(size, policy, memory, registration, tensor))
      }
    }
    // What failed on the device may keep it from giving anything back; the report has it already.
    try? accelerator.quiesce()
    report.kernels = [widening(memory, registration)] + networks()
    try? accelerator.free(tensor)
    try? accelerator.unregister(registration)
    return report
  }

  private func transfer(
    _ size: Int, _ policy: TransferPolicy, _ memory: CheckMemory, _ registration: MemoryRegistration,
    _ tensor: DeviceTensor
  ) -> DeviceCheckReport.Transfer {
    var row = DeviceCheckReport.Transfer(
      policy: policy, bytes: size, packets: (size + payload - 1) / payload)
    do throws(AcceleratorError) {
      if let obstacle = try accelerator.obstacle(to: policy) {
        row.missing = obstacle.message
        return row
      }
      var generator = SeededGenerator(seed: Self.seed)
      var (times, calls): ([Double], [Double]) = ([], [])
      // The first one makes what a policy keeps, and is not counted.
      for round in 0...rounds {
        let pieces = memory.pieces(of: size, payload: payload, using: &generator)
        let start = accelerator.clock
        let (called, done) = try move(pieces, registration, tensor, policy)
        if round > 0 {
          times.append((done - start).inMicroseconds)
          calls.append((called - start).inMicroseconds)
        }
        let object = try accelerator.copyBack(tensor, byteCount: size)
        row.wrongBytes += memory.wrongBytes(in: object, pieces)
      }
      row.medianMicroseconds = times.sorted()[times.count / 2]
      row.leastMicroseconds = times.min() ?? 0
      row.callMicroseconds = calls.sorted()[calls.count / 2]
    } catch {
      row.missing = error.cause.isEmpty ? error.message : "\(error.message): \(error.cause)"
      row.isFailure = true
    }
    return row
  }

  /// - Returns: when all calls had returned, and when all bytes were there.
  private func move(
    _ pieces: [PayloadPiece], _ registration: MemoryRegistration, _ tensor: DeviceTensor,
    _ policy: TransferPolicy
  ) throws(AcceleratorError) -> (called: Duration, done: Duration) {
    var ticket: TransferTicket?
    for start in stride(from: 0, to: pieces.count, by: batch) {
      let end = min(start + batch, pieces.count)
      ticket = try accelerator.gather(
        Array(pieces[start..<end]), from: registration, into: tensor, by: policy,
        closes: end == pieces.count)
    }
    let called = accelerator.clock
    if let ticket { try accelerator.fence(ticket) }
    return (called, accelerator.clock)
  }

  private func widening(
    _ memory: CheckMemory, _ registration: MemoryRegistration
  ) -> DeviceCheckReport.Kernel {
    let count = 150_528
    var kernel = DeviceCheckReport.Kernel(name: "bytes to floats", values: count, wrongValues: 0)
    do throws(AcceleratorError) {
      let driver = try accelerator.driver()
      let (bytes, floats) = (
        try accelerator.makeTensor(byteCount: count), try accelerator.makeTensor(byteCount: count * 4)
      )
      var generator = SeededGenerator(seed: Self.seed)
      let pieces = memory.pieces(of: count, payload: payload, using: &generator)
      _ = try move(pieces, registration, bytes, .staged)
      let object = try accelerator.copyBack(bytes, byteCount: count)
      let conversion = ByteConversion(scale: 1 / 127.5, bias: -1)
      let stream = try driver.makeStream()
      try driver.launch(
        KernelLaunch(
          .bytesToFloat, blocks: 64, threads: 256,
          [
            .address(bytes.address), .address(floats.address), .word(UInt32(count)),
            .float(conversion.scale), .float(conversion.bias),
          ]), on: stream)
      let done = try driver.record(on: stream)
      try driver.wait(for: done)
      driver.discard(done)
      let given = try accelerator.copyBack(floats, byteCount: count * 4)
      kernel.wrongValues = given.withUnsafeBytes { given in
        object.indices.count { index in
          given.loadUnaligned(fromByteOffset: index * 4, as: UInt32.self)
            != (Float(object[index]) * conversion.scale + conversion.bias).bitPattern
        }
      }
      try accelerator.free(bytes)
      try accelerator.free(floats)
    } catch { kernel.error = error.description }
    return kernel
  }

  /// The integer kernel against the reference interpreter.
  private func networks() -> [DeviceCheckReport.Kernel] {
    CheckNetwork.allCases.map { network in
      var kernel = DeviceCheckReport.Kernel(name: network.rawValue, values: 0, wrongValues: 0)
      do {
        let snapshot = try network.snapshot(seed: Self.seed)
        let rows = network.rows(of: snapshot, seed: Self.seed)
        let interpreter = ReferenceInterpreter(snapshot)
        let expected = rows.flatMap { interpreter.run(features: $0) }
        let given = try DeviceNetwork(snapshot, driver: accelerator.driver()).run(rows).flatMap { $0 }
        kernel.values = expected.count
        kernel.wrongValues =
          zip(given, expected).count { $0 != $1 } + abs(given.count - expected.count)
      } catch { kernel.error = "\(error)" }
      return kernel
    }
  }
}

extension Duration {
  fileprivate var inMicroseconds: Double { Double(nanoseconds) / 1_000 }
}
