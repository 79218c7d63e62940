import CMedullaFabric
import Glibc

/// All stages of a network in one process's memory, computed by the switches' own code: what a fabric
/// computes without kernel, wires and frames.
package final class LocalFabric {
  private let lowering: StageLowering
  /// By stage, then by part.
  private let tasks: [[InstalledTask]]
  private let memory: SwitchMemory
  private var inference: UInt32 = 0

  /// - Throws: `badNetwork` where a stage cannot be computed, `doesNotFit` without memory.
  package init(_ lowering: StageLowering, slots: Int = 2) throws(FabricError) {
    self.lowering = lowering
    let room = InstalledTask.Room(slots: slots, clients: 1, processors: 1)
    var lowered: [[LoweredTask]] = []
    for (number, parts) in lowering.parts.enumerated() {
      var own: [LoweredTask] = []
      for part in parts.indices { own.append(try lowering.task(stage: number, part: part)) }
      lowered.append(own)
    }
    let bytes = lowered.joined().reduce(0) { $0 + InstalledTask.byteCount(of: $1, room: room) }
    guard let memory = SwitchMemory(private: bytes) else {
      throw FabricError(.doesNotFit, "no memory of \(bytes) bytes")
    }
    self.memory = memory
    var tasks: [[InstalledTask]] = []
    for own in lowered {
      var installed: [InstalledTask] = []
      for task in own { installed.append(try InstalledTask(task, room: room, in: memory)) }
      tasks.append(installed)
    }
    self.tasks = tasks
  }

  /// The outputs for as many features as the network has inputs, both fixed point.
  ///
  /// - Parameter shuffle: says in which order cells of one stage's inputs come, by their numbers.
  /// - Throws: `broken` when a stage does not give all of its outputs.
  package func run(
    features: [Int64], shuffle: ([Int]) -> [Int] = { $0 }
  ) throws(FabricError) -> [Int64] {
    inference += 1
    var payloads = lowering.tensors[0].payloads(of: lowering.entered(features), cells: lowering.cells)
    for (number, parts) in tasks.enumerated() {
      let tensor = lowering.tensors[number + 1]
      var next = [[UInt8]?](repeating: nil, count: tensor.cellCount)
      for task in parts {
        for cell in shuffle(Array(payloads.indices)) {
          let made = fabric_cell_in(task.address, 0, inference, UInt32(cell), payloads[cell], 0)
          if made > 0 { take(from: task, into: &next) }
        }
      }
      let whole = next.compactMap { $0 }
      guard whole.count == next.count else {
        throw FabricError(
          .broken, "\(lowering.stages[number].name) gave \(whole.count) of \(next.count) cells")
      }
      payloads = whole
    }
    return lowering.outputs(of: payloads)
  }

  private func take(from task: InstalledTask, into cells: inout [[UInt8]?]) {
    var payload = [UInt8](repeating: 0, count: Int(FABRIC_STAGING_BYTES))
    var bytes: UInt32 = 0
    while true {
      let number = fabric_cell_out(task.address, 0, inference, &payload, &bytes)
      guard number >= 0 else { return }
      cells[Int(number)] = Array(payload.prefix(Int(bytes)))
    }
  }
}

extension SwitchMemory {
  /// Memory of this process; nil when there is none.
  package convenience init?(private bytes: Int) {
    let rounded = (bytes + 4095) / 4096 * 4096
    guard let base = mmap(nil, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else { return nil }
    self.init(base: base, byteCount: rounded, first: 0, owner: Mapping(base: base, bytes: rounded))
  }

  private final class Mapping {
    let base: UnsafeMutableRawPointer
    let bytes: Int

    init(base: UnsafeMutableRawPointer, bytes: Int) { (self.base, self.bytes) = (base, bytes) }

    deinit { munmap(base, bytes) }
  }
}

extension StageLowering {
  /// Features as the first stage's inputs.
  package func entered(_ features: [Int64]) -> [Int64] {
    zip(features, snapshot.parameters.features).map { feature, scaling in
      scaling.apply(feature, shift: snapshot.shape.featureShift)
    }
  }

  /// The outputs that the answer's cells bring.
  package func outputs(of payloads: [[UInt8]]) -> [Int64] {
    let tensor = tensors[tensors.count - 1]
    var outputs = [Int64](repeating: 0, count: tensor.elementCount)
    for (cell, payload) in zip(tensor.cells, payloads) { tensor.store(payload, of: cell, in: &outputs) }
    return outputs
  }
}
