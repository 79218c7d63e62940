import MedullaBase
import MedullaEngines
import Synchronization

/// Host memory for a model's outputs. Whoever computes holds it too, so that it stays until then.
final class ModelOutputs: @unchecked Sendable {
  private struct Course {
    var started: Duration?
    var finished: Duration?
    var failure: AcceleratorError?
  }

  private let driver: any DeviceDriver
  private let elements: [(element: TensorElement, shape: [Int])]
  private let offsets: [Int]
  private let course = Mutex(Course())
  // Written by the thread that computes, and read when it is done.
  private let memory: UnsafeMutableRawBufferPointer

  /// Of each output's place.
  private static let alignment = 64

  init(_ model: AcceleratorModel, driver: any DeviceDriver) {
    self.driver = driver
    elements = zip(model.outputs, model.outputShapes).map { ($0.element, $1) }
    var offsets: [Int] = []
    var end = 0
    for (element, shape) in elements {
      offsets.append(end)
      end += (shape.reduce(element.size, *) + Self.alignment - 1) / Self.alignment * Self.alignment
    }
    self.offsets = offsets
    memory = .allocate(byteCount: max(end, 1), alignment: Self.alignment)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { memory.deallocate() }

  func fill(_ body: ([TensorView]) throws(AcceleratorError) -> Void) {
    guard let base = memory.baseAddress else { return }
    course.withLock { $0.started = driver.now }
    let views = zip(elements, offsets).map { element, offset in
      TensorView(element: element.element, shape: element.shape, at: base + offset)
    }
    var failure: AcceleratorError?
    do throws(AcceleratorError) { try body(views) } catch { failure = error }
    course.withLock { course in
      course.finished = driver.now
      course.failure = failure
    }
  }

  /// What the model failed with.
  var failure: AcceleratorError? { course.withLock { $0.failure } }

  var span: (started: Duration, finished: Duration)? {
    course.withLock { course in
      guard let started = course.started, let finished = course.finished else { return nil }
      return (started, finished)
    }
  }

  func bytes(of index: Int) throws(AcceleratorError) -> [UInt8] {
    guard elements.indices.contains(index) else {
      throw AcceleratorError(.unknownHandle, "the model has \(elements.count) outputs, no output \(index)")
    }
    let byteCount = elements[index].shape.reduce(elements[index].element.size, *)
    return Array(memory[offsets[index]..<offsets[index] + byteCount])
  }
}
