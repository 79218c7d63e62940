import CMedullaABI
import MedullaDatapath

/// Where an attached classifier keeps what it has decided, for programs that look up the classes of flows.
package struct ClassifierTable {
  package let name: InstanceName
  package let hook: FunctionHook
  /// The network's classes.
  package let labels: [String]
  /// The pin of its table of flows; an entry begins with `classifier_entry`.
  package let path: String
  /// The pins of its links.
  package let links: [String]

  /// - Throws: `notAttached`; `badFunction` for an instance of another function.
  package init(of name: InstanceName, among functions: FunctionList) throws {
    let (_, classifier) = try Classifier.attached(as: name, among: functions)
    self.name = name
    hook = classifier.hook
    labels = classifier.labels
    let folder = PinnedInstance.path(of: name)
    path = folder + "/" + Dispatcher.tableName
    links = classifier.hooks(of: name).map { folder + "/" + $0.pin }
  }

  /// The kernel has one program at XDP of an interface.
  ///
  /// - Throws: `badFunction` for a classifier that stands there.
  package func check(besideProgramAtXDPOf interface: String) throws(DatapathError) {
    guard hook.point == .xdp, hook.interface == interface else { return }
    throw DatapathError(
      .badFunction, "the classifier \(name) stands at \(hook), where the demultiplexer must",
      remedy: "attach it at tc:\(interface):ingress; it then sees what stays the kernel's")
  }

  /// The row of a class: a label, its number, or `unsure`.
  ///
  /// - Throws: `badConfiguration` with the classes that there are.
  package func row(of text: String) throws(DatapathError) -> Int {
    if let row = labels.firstIndex(of: text) { return row }
    if text == ClassifierSettings.unsureName { return Int(CLASSIFIER_UNSURE) }
    if let row = Int(text), labels.indices.contains(row) { return row }
    throw DatapathError(
      .badConfiguration, "the classifier \(name) has no class \(text.prefix(60))",
      remedy: "it has: \((labels + [ClassifierSettings.unsureName]).joined(separator: ", "))")
  }
}

extension Classifier {
  /// What is pinned of a classifier, and the classifier with its labels.
  ///
  /// - Throws: `notAttached`; `badFunction` for an instance of another function.
  static func attached(
    as name: InstanceName, among functions: FunctionList
  ) throws -> (instance: PinnedInstance, classifier: Classifier) {
    let instance = try Instance(name, among: functions).pinned()
    guard let classifier = instance.function as? Classifier else {
      throw DatapathError(
        .badFunction, "\(name) is no classifier", remedy: "`medulla status` lists what is attached")
    }
    return (instance, classifier)
  }
}
