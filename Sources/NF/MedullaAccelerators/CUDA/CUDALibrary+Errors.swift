extension CUDALibrary {
  static let success: Result = 0
  static let notReady: Result = 600
  private static let outOfMemory: Result = 2
  private static let notSupported: Result = 801
  private static let noDevice: Result = 100
  /// After these nothing of the process's context can be used: an uncorrectable memory error, an illegal or
  /// misaligned address, a kernel that was ended, and the like.
  private static let lasting: Set<Result> = [214, 220, 700, 702, 710, 714, 715, 716, 717, 718, 719, 721]

  /// - Throws: what the driver says of a result that is no success.
  func check(_ result: Result, _ action: @autoclosure () -> String) throws(AcceleratorError) {
    guard result != Self.success else { return }
    throw error(result, action())
  }

  func error(_ result: Result, _ action: String) -> AcceleratorError {
    let cause = "\(text(result, errorName)) (\(result)): \(text(result, errorText))"
    return switch result {
    case Self.outOfMemory:
      AcceleratorError(
        .outOfMemory, "\(action): the device has too little memory", cause: cause,
        remedy: "use fewer or smaller tensors, or end other programs that hold its memory")
    case Self.notSupported:
      AcceleratorError(
        .unavailable, "\(action): the device or driver cannot do that", cause: cause,
        remedy: "choose another transfer policy, or a newer driver")
    case Self.noDevice:
      AcceleratorError(
        .unavailable, "\(action): there is no CUDA device", cause: cause,
        remedy: "see what `nvidia-smi` lists; CUDA_VISIBLE_DEVICES may hide devices")
    case let lasting where Self.lasting.contains(lasting):
      AcceleratorError(
        .deviceLost, "\(action): the device has stopped this process's work", cause: cause,
        remedy: "end this process and start it again")
    default: AcceleratorError(.failed, "\(action) failed", cause: cause)
    }
  }

  private func text(
    _ result: Result,
    _ function: @convention(c) (Result, UnsafeMutablePointer<UnsafePointer<CChar>?>) -> Result
  ) -> String {
    var text: UnsafePointer<CChar>?
    guard function(result, &text) == Self.success, let text else { return "unknown" }
    return String(cString: text)
  }
}
