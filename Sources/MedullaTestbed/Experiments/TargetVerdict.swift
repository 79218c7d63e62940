/// A verdict that is a list of named figures, some with a bound.
public struct TargetVerdict: ExperimentVerdict, Equatable {
  public var met: Bool
  public var complete: Bool
  public var misses: [String]
  public var rows: [VerdictRow]

  /// - Parameters:
  ///   - rows: what was measured, in the order in which a reader wants it.
  ///   - faults: what makes runs unfit for a verdict, whatever their figures.
  public init(_ rows: [VerdictRow], faults: [String] = [], complete: Bool) {
    self.rows = rows
    self.complete = complete
    misses = []
    if complete {
      misses = rows.filter { $0.bound != nil && $0.holds != true }
        .map { "\($0.name): \($0.shown), target \($0.target)" }
      misses += faults
    }
    met = complete && misses.isEmpty
  }

  public var figures: [String: Double] {
    Dictionary(rows.compactMap { row in row.value.map { (row.name, $0) } }) { first, _ in first }
  }

  enum CodingKeys: String, CodingKey {
    case met, complete, misses, figures, targets
  }

  /// The rows come back in the order of their names.
  public init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    met = try fields.decode(Bool.self, forKey: .met)
    complete = try fields.decode(Bool.self, forKey: .complete)
    misses = try fields.decode([String].self, forKey: .misses)
    let figures = try fields.decode([String: Double].self, forKey: .figures)
    let targets = try fields.decode([String: VerdictRow].self, forKey: .targets)
    let names = Set(figures.keys).union(targets.keys).sorted()
    rows = names.map {
      VerdictRow($0, figures[$0], targets[$0]?.bound, places: targets[$0]?.places ?? 3)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: CodingKeys.self)
    try fields.encode(met, forKey: .met)
    try fields.encode(complete, forKey: .complete)
    try fields.encode(misses, forKey: .misses)
    try fields.encode(figures.filter { $0.value.isFinite }, forKey: .figures)
    let targets = rows.filter { $0.bound != nil }.map { ($0.name, $0) }
    try fields.encode(Dictionary(targets) { first, _ in first }, forKey: .targets)
  }
}
