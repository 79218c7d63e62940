extension ConfigurationDocument {
  /// Reads a text that is one table, and gathers everything that is wrong with it, by place.
  ///
  /// - Parameters:
  ///   - what: what a text that is no table is not, and how one begins.
  ///   - take: takes the table's keys.
  ///   - check: what cannot be of what was taken; asked where all keys are right.
  static func read<File>(
    _ text: String, as what: String, _ take: (inout TableReader) -> File, _ check: (File) -> [String]
  ) -> (File?, [ConfigurationProblem]) {
    let document: ConfigurationDocument
    do {
      document = try ConfigurationDocument(text)
    } catch {
      return (nil, [error])
    }
    guard case .table(let entries) = document.root.value else {
      let message = "\(document.root.value.kind) is no \(what)"
      return (nil, [ConfigurationProblem(document.root.position, message)])
    }
    let problems = TableReader.Problems()
    for problem in document.problems { problems.add(problem) }
    var root = TableReader(entries, at: .start, problems: problems)
    let file = take(&root)
    root.finish()
    if problems.all.isEmpty { for problem in check(file) { root.problem(nil, problem) } }
    return (file, problems.all.sorted { ($0.position, $0.key) < ($1.position, $1.key) })
  }
}
