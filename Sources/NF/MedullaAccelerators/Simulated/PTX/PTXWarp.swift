/// 32 lanes of a kernel with their registers.
///
/// Lanes that went different ways are taken up in the order of their instructions: those that are furthest
/// behind go first, so that they meet again where their ways do.
final class PTXWarp {
  static let lanes = 32

  let kernel: PTXKernel
  /// Register r of lane l at r · 32 + l; the low bits of its width, the others 0.
  let registers: UnsafeMutablePointer<UInt64>
  private(set) var counters = [Int](repeating: 0, count: PTXWarp.lanes)
  /// Lanes that are not at their end.
  private(set) var live: UInt32
  /// Lanes that wait for the block.
  private(set) var waiting: UInt32 = 0
  /// Lanes that wait for the rest of the warp.
  private var meeting: UInt32 = 0
  private(set) var executed = 0

  /// - Parameters:
  ///   - firstThread: the number of lane 0 in its block.
  ///   - values: of the parameters, in order.
  init(
    _ kernel: PTXKernel, firstThread: Int, launch: KernelLaunch, block: Int, values: [UInt64]
  ) {
    self.kernel = kernel
    let count = kernel.registerCount * Self.lanes
    registers = .allocate(capacity: count)
    registers.initialize(repeating: 0, count: count)
    let present = max(0, min(Self.lanes, launch.threads - firstThread))
    live = present == Self.lanes ? .max : (1 << UInt32(present)) - 1
    for (register, value) in zip(kernel.parameters, values) { fill(register, value) }
    for (register, value) in kernel.constants { fill(register, value) }
    for (register, special) in kernel.special {
      switch special {
      case .thread:
        for lane in 0..<Self.lanes { registers[register * Self.lanes + lane] = UInt64(firstThread + lane) }
      case .threads: fill(register, UInt64(launch.threads))
      case .block: fill(register, UInt64(block))
      case .blocks: fill(register, UInt64(launch.blocks))
      }
    }
  }

  deinit { registers.deallocate() }

  private func fill(_ register: Int, _ value: UInt64) {
    for lane in 0..<Self.lanes { registers[register * Self.lanes + lane] = value }
  }

  var isOver: Bool { live == 0 }
  var isBlocked: Bool { live & ~waiting == 0 }

  /// The barrier opens.
  func release() { waiting = 0 }

  /// Goes on until all lanes wait or are at their end, or for `limit` instructions.
  func run<Memory: KernelMemory>(
    limit: Int, memory: inout Memory
  ) throws(AcceleratorError) {
    var left = limit
    while left > 0, !isBlocked {
      if live == meeting { meeting = 0 }
      let ready = live & ~waiting & ~meeting
      guard ready != 0 else {
        throw AcceleratorError(.failed, "lanes of \(kernel.name) wait for others that do not come")
      }
      // The lanes that are furthest behind, and where the next ones stand.
      var counter = Int.max
      var next = Int.max
      var mask: UInt32 = 0
      for lane in 0..<Self.lanes where ready & (1 << UInt32(lane)) != 0 {
        let own = counters[lane]
        if own < counter {
          (next, counter, mask) = (counter, own, 1 << UInt32(lane))
        } else if own == counter {
          mask |= 1 << UInt32(lane)
        } else {
          next = min(next, own)
        }
      }
      counter = try advance(mask, from: counter, below: next, &left, &memory)
      for lane in 0..<Self.lanes where mask & (1 << UInt32(lane)) != 0 && counter >= 0 {
        counters[lane] = counter
      }
    }
  }

  /// Runs lanes that are at one place until they part, meet others, wait or end.
  ///
  /// - Returns: where they are; -1: `counters` tells of each.
  private func advance<Memory: KernelMemory>(
    _ mask: UInt32, from start: Int, below next: Int, _ left: inout Int, _ memory: inout Memory
  ) throws(AcceleratorError) -> Int {
    var counter = start
    while left > 0, counter < next {
      let instruction = kernel.instructions[counter]
      left -= 1
      executed += 1
      var active = mask
      if let register = instruction.guardRegister {
        active = 0
        for lane in 0..<Self.lanes
        where mask & (1 << UInt32(lane)) != 0
          && registers[register * Self.lanes + lane] == instruction.guardValue
        {
          active |= 1 << UInt32(lane)
        }
      }
      switch instruction.operation {
      case .branch where active == mask: counter = instruction.target
      case .branch where active == 0: counter += 1
      case .branch: return part(mask, taken: active, instruction.target, counter + 1)
      case .barrier:
        waiting |= active
        return counter + 1
      case .warpBarrier, .shuffle:
        // All lanes of the warp take part; those that are here wait for the rest.
        guard active == live else {
          meeting |= active
          return counter
        }
        try execute(instruction, active, &memory)
        counter += 1
      case .end:
        live &= ~active
        return counter + 1
      default:
        do throws(AcceleratorError) {
          try execute(instruction, active, &memory)
        } catch {
          throw AcceleratorError(
            error.code, "\(kernel.name) failed at line \(instruction.line) of the PTX",
            cause: error.cause.isEmpty ? error.message : "\(error.message): \(error.cause)",
            remedy: error.remedy)
        }
        counter += 1
      }
    }
    return counter
  }

  private func part(_ mask: UInt32, taken: UInt32, _ target: Int, _ next: Int) -> Int {
    for lane in 0..<Self.lanes where mask & (1 << UInt32(lane)) != 0 {
      counters[lane] = taken & (1 << UInt32(lane)) != 0 ? target : next
    }
    return -1
  }
}
