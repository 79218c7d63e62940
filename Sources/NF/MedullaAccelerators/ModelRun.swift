import MedullaBase

/// One run of a model: under way until `isDone`.
package final class ModelRun: @unchecked Sendable {
  private let driver: any DeviceDriver
  let outputs: ModelOutputs
  // Set before the run is handed out.
  private var event: DeviceEvent?

  init(_ model: AcceleratorModel, driver: any DeviceDriver) {
    self.driver = driver
    outputs = ModelOutputs(model, driver: driver)
  }

  deinit {
    if let event { driver.discard(event) }
  }

  func begin(_ event: DeviceEvent) { self.event = event }

  /// - Throws: what the model or the device failed with.
  package func isDone() throws(AcceleratorError) -> Bool {
    guard let event else { return false }
    return try driver.isComplete(event)
  }

  package func wait() throws(AcceleratorError) {
    if let event { try driver.wait(for: event) }
  }

  /// By the device's clock, when the computation itself began and ended; nil until then. A simulated clock
  /// does not move while a model runs.
  package var span: (started: Duration, finished: Duration)? { outputs.span }

  /// The bytes of an output, once it is done.
  package func output(_ index: Int) throws(AcceleratorError) -> [UInt8] {
    try wait()
    return try outputs.bytes(of: index)
  }
}
