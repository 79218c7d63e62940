/// The class of a flow, as a classifier in the kernel has decided it.
package struct FlowClass: Sendable, Equatable {
  /// The classifier's instance.
  package var classifier: String
  /// A label or a number, as the chain's file has it.
  package var name: String
  /// Its place among the network's classes; nil: it was not looked up yet.
  package var row: Int?

  package init(_ name: String, of classifier: String, row: Int? = nil) {
    self.name = name
    self.classifier = classifier
    self.row = row
  }
}

/// Where a classifier keeps what it has decided: pins of its own, which are gone when it is detached.
package struct ClassifierPins: Sendable, Equatable {
  /// Of its table of flows.
  package var table: String
  /// Of all links that bring packets to it.
  package var links: [String]

  package init(table: String, links: [String]) {
    self.table = table
    self.links = links
  }
}
