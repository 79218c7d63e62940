import Glibc

/// A launch of a PTX kernel, carried out instruction by instruction: some blocks at a time, their warps in
/// turn.
struct PTXExecution {
  let kernel: PTXKernel
  let launch: KernelLaunch
  /// Of a warp before it is another's turn.
  var slice = 4_096
  /// Blocks that are there at once, as on a device whose processors are few.
  var residentBlocks = 8
  /// Of a whole launch: a kernel that never ends is an error.
  var instructionLimit = 1 << 36

  init(_ kernel: PTXKernel, _ launch: KernelLaunch) {
    self.kernel = kernel
    self.launch = launch
  }

  /// - Returns: instructions of warps.
  @discardableResult
  func run<Memory: KernelMemory>(memory: inout Memory) throws(AcceleratorError) -> Int {
    guard launch.arguments.count == kernel.parameters.count else {
      throw AcceleratorError(
        .failed, "\(kernel.name) takes \(kernel.parameters.count) parameters",
        cause: "\(launch.arguments.count) were given")
    }
    guard launch.blocks > 0, (1...1024).contains(launch.threads) else {
      throw AcceleratorError(
        .failed, "\(launch.blocks) blocks of \(launch.threads) threads cannot be launched")
    }
    var executed = 0
    for first in stride(from: 0, to: launch.blocks, by: residentBlocks) {
      let blocks = (first..<min(first + residentBlocks, launch.blocks)).map(warps(of:))
      while !blocks.allSatisfy({ $0.allSatisfy(\.isOver) }) {
        for block in blocks { try advance(block, &memory) }
        let now = blocks.joined().reduce(executed) { $0 + $1.executed }
        guard now < instructionLimit else {
          throw AcceleratorError(.failed, "\(kernel.name) did not end", cause: "\(now) instructions")
        }
        // A kernel that waits for the host leaves it the processor.
        sched_yield()
      }
      executed += blocks.joined().reduce(0) { $0 + $1.executed }
    }
    return executed
  }

  private func warps(of block: Int) -> [PTXWarp] {
    let values = launch.arguments.map(\.bits)
    return stride(from: 0, to: launch.threads, by: PTXWarp.lanes).map {
      PTXWarp(kernel, firstThread: $0, launch: launch, block: block, values: values)
    }
  }

  private func advance<Memory: KernelMemory>(
    _ warps: [PTXWarp], _ memory: inout Memory
  ) throws(AcceleratorError) {
    for warp in warps { try warp.run(limit: slice, memory: &memory) }
    // The barrier opens when all that are not at their end have come to it.
    if warps.allSatisfy(\.isBlocked) { for warp in warps { warp.release() } }
  }
}
