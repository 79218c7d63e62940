/// A source of labels for a part of the live traffic: rules, lists, another model, a service, people.
///
/// Calls come from one thread, one at a time, and end within the agent's own deadline. An agent may fail in
/// any of them: labels stop, packets and the snapshot in the datapath do not.
package protocol LabelingAgent: AnyObject {
  /// By which its labels, its errors and its budget are told.
  var name: String { get }

  /// Gets ready, such as by starting a process, before the first flow is asked about; what fails here fails
  /// again in `label`, and is told there.
  func prepare()

  /// What it says of flows now: at most one label for each request, in any order; it may leave some out, and
  /// may give labels of requests that came before.
  func label(_ requests: [LabelRequest]) throws -> [Label]

  /// Ends what the agent has started, such as a process. Nothing is called after it.
  func close()
}

extension LabelingAgent {
  package func prepare() {}
  package func close() {}
}
