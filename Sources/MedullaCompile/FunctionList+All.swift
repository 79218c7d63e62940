import MedullaClassification
import MedullaCongestion
import MedullaDatapath
import MedullaPacket
import MedullaPaths
import MedullaScheduling

extension FunctionList {
  /// Every function of this version: the one place where a function is registered.
  package static let all = FunctionList([
    CongestionControl.self, PacketFunction.self, Classifier.self, FlowScheduling.self,
    PathSelection.self,
  ])

  /// What a configuration means that names none.
  package static let standard = CongestionControl.name

  /// What a bundle may carry compiled: inference by test run, and the programs of every function.
  package var programs: [ProgramSource] { [.query] + functions.flatMap { $0.programs } }
}

extension Instance {
  /// An instance of any function of this version.
  package init(_ name: String) throws(DatapathError) { self.init(try InstanceName(name), among: .all) }
}

extension StatusTable {
  package init(_ status: InstanceStatus) { self.init(status, among: .all) }
}
