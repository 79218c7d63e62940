import CLibBPF
import CMedullaFabric

/// A switch as user space changes it while it works, wherever that is: its memory, and what is done with the
/// cells of each label.
package class FabricSwitch {
  /// Where memories lie in user space: far from all that is mapped otherwise, each with room of its own.
  private static let firstAddress: UInt64 = 1 << 44
  private static let addressRoom: UInt64 = 1 << 32
  static let pageBytes = 4_096
  static let largestMemory = Int(addressRoom) - 2 * pageBytes - MemoryLayout<fabric_switch>.size

  package let memory: SwitchMemory

  init(_ memory: SwitchMemory) { self.memory = memory }

  static func address(_ number: Int) -> UInt64 { firstAddress + UInt64(number) * addressRoom }

  /// A memory's whole pages, with room for so many bytes of tasks.
  static func totalBytes(for bytes: Int) -> Int {
    let total = MemoryLayout<fabric_switch>.size + bytes + pageBytes
    return (total + pageBytes - 1) / pageBytes * pageBytes
  }

  /// What user space and the switch share of the switch itself.
  package var header: UnsafeMutablePointer<fabric_switch> {
    memory.base.assumingMemoryBound(to: fabric_switch.self)
  }

  /// How often a switch in user space has been done with all that was there.
  var turns: UInt64 { header.pointee.turns }

  /// Publishes what is done with a label's cells, or takes it back.
  package func set(
    model: Int, epoch: Int, label: Int, ports: Set<Int>, task: UInt64?
  ) {
    let place = (model * Int(FABRIC_EPOCHS) + epoch % Int(FABRIC_EPOCHS)) * Int(FABRIC_LABELS) + label
    let ways = UnsafeMutableRawPointer(header).assumingMemoryBound(to: fabric_way.self)
    ways[place].key = 0
    medulla_fence()
    ways[place].ports = ports.reduce(0) { $0 | 1 << UInt64($1) }
    ways[place].task_at = task ?? 0
    medulla_fence()
    ways[place].key = UInt32(epoch) + 1
  }

  /// Takes all ways of a model's epoch back.
  package func forget(model: Int, epoch: Int) {
    let first = (model * Int(FABRIC_EPOCHS) + epoch % Int(FABRIC_EPOCHS)) * Int(FABRIC_LABELS)
    let ways = UnsafeMutableRawPointer(header).assumingMemoryBound(to: fabric_way.self)
    for place in first..<first + Int(FABRIC_LABELS) { ways[place].key = 0 }
    medulla_fence()
  }

  /// What takes in a label's cells here; nil: nothing does.
  package func task(model: Int, epoch: Int, label: Int) -> fabric_task? {
    let place = (model * Int(FABRIC_EPOCHS) + epoch % Int(FABRIC_EPOCHS)) * Int(FABRIC_LABELS) + label
    let way = UnsafeMutableRawPointer(header).assumingMemoryBound(to: fabric_way.self)[place]
    guard way.key == UInt32(epoch) + 1, way.task_at != 0 else { return nil }
    return UnsafePointer<fabric_task>(bitPattern: UInt(way.task_at))?.pointee
  }
}
