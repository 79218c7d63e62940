/// What a reader should know of an experiment before it runs, and what the paper found.
public struct ExperimentFacts: Sendable {
  /// As the command and the result file call it.
  public var name: String
  /// One sentence for a list.
  public var title: String
  /// For the command's help.
  public var discussion: String
  /// How it is measured, in a few sentences.
  public var method: String
  /// What the LiteFlow paper reports; nil where it has no counterpart.
  public var paper: PaperFigure?

  public init(name: String, title: String, discussion: String, method: String, paper: PaperFigure? = nil) {
    self.name = name
    self.title = title
    self.discussion = discussion
    self.method = method
    self.paper = paper
  }
}

/// Facts of a figure or table of "LiteFlow: Towards High-performance Adaptive Neural Networks for Kernel
/// Datapath" (SIGCOMM 2022).
public struct PaperFigure: Codable, Equatable, Sendable {
  /// Such as `Figure 11, §5.1`.
  public var place: String
  /// What it reports, as short sentences.
  public var findings: [String]

  public init(_ place: String, _ findings: String...) {
    self.place = place
    self.findings = findings
  }
}
