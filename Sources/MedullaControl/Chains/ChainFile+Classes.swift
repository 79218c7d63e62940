import MedullaClassification
import MedullaDatapath
import MedullaNF

extension ChainFile {
  /// The chain with the classes of its rules looked up at the classifier that they name, as it is attached
  /// now.
  ///
  /// - Throws: `DatapathError` for a classifier or a class that is not there, or a classifier that stands
  ///   where the demultiplexer must.
  func withClasses(among functions: FunctionList) throws -> ChainFile {
    guard let name = settings.classifiers.first else { return self }
    let table = try ClassifierTable(of: InstanceName(name), among: functions)
    try table.check(besideProgramAtXDPOf: settings.interface)
    var file = self
    file.settings.classifier = ClassifierPins(table: table.path, links: table.links)
    for index in file.settings.rules.indices {
      guard let flowClass = file.settings.rules[index].flowClass else { continue }
      file.settings.rules[index].flowClass?.row = try table.row(of: flowClass.name)
    }
    return file
  }
}
