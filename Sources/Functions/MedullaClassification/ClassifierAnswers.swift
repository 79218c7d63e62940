import CMedullaABI
import MedullaDatapath
import MedullaKernel

/// What user space has found out of flows that the network in the kernel is unsure of, told to the kernel:
/// from the next packet on such a flow is of its class, with that class's action.
///
/// A flow that the network was sure of stays as it was decided. Of more than `limit` answers the oldest go;
/// flows that have had theirs keep it.
package final class ClassifierAnswers {
  /// Answers that are kept.
  package static let limit = Int(CLASSIFIER_ANSWERS)

  private let map: BPFMap
  private let name: InstanceName
  private let labels: [String]

  /// - Throws: `notAttached`; `badFunction` for an instance of another function.
  package init(of name: InstanceName, among functions: FunctionList) throws {
    let (_, classifier) = try Classifier.attached(as: name, among: functions)
    self.name = name
    labels = classifier.labels
    map = try BPFMap(pinned: PinnedInstance.path(of: name) + "/" + Classifier.Maps.answers)
  }

  /// - Parameters:
  ///   - flow: its number in the instance, as samples and mirrored packets tell it.
  ///   - row: the class, by its place among the network's.
  /// - Throws: `badConfiguration` for a class that the network has not, `KernelError`.
  package func answer(flow: UInt64, row: Int) throws {
    guard labels.indices.contains(row) else {
      throw DatapathError(
        .badConfiguration, "\(name) has no class \(row)",
        remedy: "it has 0 to \(labels.count - 1): \(labels.joined(separator: ", "))")
    }
    try map.set(UInt64(row) + 1, key: flow)
  }
}
