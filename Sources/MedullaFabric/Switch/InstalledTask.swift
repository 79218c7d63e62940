import CMedullaFabric
import Glibc

/// A task in a switch's memory.
package struct InstalledTask: Sendable, Equatable {
  package let address: UInt64
  /// Of the task itself, and of what inferences change.
  package let ranges: [Range<Int>]
  /// Of what nothing changes: tasks of the same part have it in common.
  package let constants: [Range<Int>]

  init(address: UInt64, ranges: [Range<Int>], constants: [Range<Int>]) {
    (self.address, self.ranges, self.constants) = (address, ranges, constants)
  }

  /// How many inferences and processors a task has room for.
  package struct Room: Sendable, Equatable, Codable {
    /// Of each client.
    package var slots: Int
    package var clients: Int
    /// Of the machine: any of them may come to compute for any switch.
    package var processors: Int

    package init(slots: Int, clients: Int, processors: Int = Self.machineProcessors) {
      (self.slots, self.clients, self.processors) = (slots, clients, processors)
    }

    package static var machineProcessors: Int {
      min(max(sysconf(Int32(_SC_NPROCESSORS_CONF)), 1), Int(FABRIC_LANES))
    }
  }

  /// Lays a task out.
  ///
  /// - Parameter twin: of the same part in the same memory, whose constants serve this one too.
  /// - Throws: `doesNotFit`; nothing is taken then.
  package init(
    _ lowered: LoweredTask, room: Room, in memory: SwitchMemory, beside twin: InstalledTask? = nil
  ) throws(FabricError) {
    var layout = Layout(memory)
    do throws(FabricError) {
      if let twin, let known = UnsafePointer<fabric_task>(bitPattern: UInt(twin.address)) {
        layout.task = known.pointee
        constants = twin.constants
      } else {
        try layout.placeConstants(of: lowered)
        constants = layout.ranges
      }
      let shared = layout.ranges.count
      address = try layout.place(lowered, room)
      ranges = Array(layout.ranges[shared...])
    } catch {
      memory.giveBack(layout.ranges)
      throw error
    }
  }

  /// Bytes that a task takes, with what rounds them up.
  package static func byteCount(of lowered: LoweredTask, room: Room) -> Int {
    let slots = room.slots * room.clients
    let arrays = [
      lowered.weights.count * 8, lowered.biases.count * 8, lowered.multipliers.count * 8,
      lowered.places.count * MemoryLayout<fabric_place>.stride,
      lowered.columns.count * MemoryLayout<fabric_columns>.stride, lowered.runs.count * 8,
      lowered.positions.count * MemoryLayout<fabric_position>.stride,
      lowered.rows.count * MemoryLayout<fabric_row>.stride,
      lowered.wakes.count * MemoryLayout<fabric_wake>.stride, MemoryLayout<fabric_task>.stride,
      slots * MemoryLayout<fabric_slot>.stride, slots * lowered.inputStride, slots * lowered.outputStride,
      slots * lowered.valueBytes, lowered.sumBytes * room.processors * (lowered.hasSumsOfSlots ? slots : 1),
      lowered.listBytes * room.processors, room.processors * MemoryLayout<fabric_counts>.stride,
      room.processors * Int(FABRIC_STAGING_BYTES),
    ]
    let tables = lowered.tables.map { $0.count * 4 }
    return (arrays + tables).reduce(0) { $0 + ($1 + 63) / 64 * 64 + 64 }
  }
}

/// Addresses of a task's arrays as they are laid out.
private struct Layout {
  let memory: SwitchMemory
  var task = fabric_task()
  private(set) var ranges: [Range<Int>] = []

  init(_ memory: SwitchMemory) { self.memory = memory }

  private mutating func room(_ bytes: Int) throws(FabricError) -> UInt64 {
    let range = try memory.take(bytes)
    ranges.append(range)
    return memory.address(range.lowerBound)
  }

  private mutating func place<Element: BitwiseCopyable>(_ elements: [Element]) throws(FabricError) -> UInt64 {
    let range = try memory.take(copyOf: elements)
    ranges.append(range)
    return memory.address(range.lowerBound)
  }

  mutating func placeConstants(of lowered: LoweredTask) throws(FabricError) {
    task = lowered.task
    task.places_at = try place(lowered.places)
    task.columns_at = try place(lowered.columns)
    task.weights_at = try place(lowered.weights)
    task.biases_at = try place(lowered.biases)
    task.multipliers_at = try place(lowered.multipliers)
    task.runs_at = try place(lowered.runs)
    task.positions_at = try place(lowered.positions)
    task.rows_at = try place(lowered.rows)
    task.wakes_at = try place(lowered.wakes)
    var tables: [UInt64] = []
    for table in lowered.tables { tables.append(try place(table)) }
    withUnsafeMutableBytes(of: &task.finish) { raw in
      let finishes = raw.bindMemory(to: fabric_finish.self)
      for (finish, table) in lowered.tableOfFinish { finishes[finish].table.lines_at = tables[table] }
    }
    if let table = lowered.tableOfTail { task.tail_table.lines_at = tables[table] }
  }

  /// Gives the task's address, with its constants where they are.
  mutating func place(
    _ lowered: LoweredTask, _ room: InstalledTask.Room
  ) throws(FabricError) -> UInt64 {
    let slots = room.slots * room.clients
    (task.slots, task.clients, task.processors) = (
      UInt64(room.slots), UInt64(room.clients), UInt64(room.processors)
    )
    task.slots_at = try self.room(slots * MemoryLayout<fabric_slot>.stride)
    task.counts_at = try self.room(room.processors * MemoryLayout<fabric_counts>.stride)
    task.staging_at = try self.room(room.processors * Int(FABRIC_STAGING_BYTES))
    task.input_stride = UInt64(lowered.inputStride)
    task.input_at = try self.room(slots * lowered.inputStride)
    task.output_stride = UInt64(lowered.outputStride)
    task.output_at = try self.room(slots * lowered.outputStride)
    task.values_stride = UInt64(lowered.valueBytes)
    task.values_at = try self.room(slots * lowered.valueBytes)
    task.sums_stride = UInt64(lowered.sumBytes)
    task.sums_at = try self.room(lowered.sumBytes * room.processors * (lowered.hasSumsOfSlots ? slots : 1))
    task.lists_stride = UInt64(lowered.listBytes)
    task.lists_at = try self.room(lowered.listBytes * room.processors)
    return try place([task])
  }
}

extension LoweredTask {
  /// Slots begin at words, and what reads a payload to the end of its last word stays within memory.
  var inputStride: Int { (inputBytes + 7) / 8 * 8 + 8 }
  var outputStride: Int { (outputBytes + 7) / 8 * 8 + 8 }
}
