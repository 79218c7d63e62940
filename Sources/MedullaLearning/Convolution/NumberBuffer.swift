import CMedullaLearning

/// Numbers for the kernels, with the slack that these read and write behind them; 0 at first.
final class NumberBuffer {
  let start: UnsafeMutablePointer<Float>
  let count: Int

  init(_ count: Int) {
    self.count = count + Int(LEARNING_SLACK)
    let bytes = self.count * MemoryLayout<Float>.stride
    let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    start = memory.initializeMemory(as: Float.self, repeating: 0, count: self.count)
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }

  func clear() { start.update(repeating: 0, count: count) }
}
