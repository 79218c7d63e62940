import MedullaBase

/// One run of a model: under way until `isDone`.
package final class ModelRun: @unchecked Sendable {
  private let driver: any DeviceDriver
  private let cost: Duration
  let outputs: ModelOutputs
  // Set before the run is handed out.
  private var event: DeviceEvent?

  init(_ model: AcceleratorModel, driver: any DeviceDriver) {
    self.driver = driver
    cost = model.simulatedCost
    outputs = ModelOutputs(model, driver: driver)
  }

  deinit {
    if let event { driver.discard(event) }
  }

  func begin(_ event: DeviceEvent) { self.event = event }

  /// - Throws: what the device failed with, and what the model did.
  package func isDone() throws(AcceleratorError) -> Bool {
    guard let event, try driver.isComplete(event) else { return false }
    if let failure = outputs.failure { throw failure }
    return true
  }

  package func wait() throws(AcceleratorError) {
    if let event { try driver.wait(for: event) }
    if let failure = outputs.failure { throw failure }
  }

  /// By the device's clock, when the computation began and ended; nil until then.
  package var span: (started: Duration, finished: Duration)? {
    guard let span = outputs.span else { return nil }
    guard let event, let finished = driver.time(of: event) else { return span }
    return (finished - cost, finished)
  }

  /// The bytes of an output, once it is done.
  package func output(_ index: Int) throws(AcceleratorError) -> [UInt8] {
    try wait()
    return try outputs.bytes(of: index)
  }
}
