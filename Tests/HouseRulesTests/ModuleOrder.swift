/// The design's order of modules: an import only ever points to a smaller rank.
enum ModuleOrder {
  static let rank: [String: Int] = [
    "CLibBPF": 0,
    "CCrypto": 0,
    "CYAML": 0,
    "CPCAP": 0,
    "CXDP": 0,
    "CHost": 0,
    "CMedullaABI": 0,
    "CMedullaNF": 1,
    "CMedullaFabric": 0,
    "CMedullaDPDK": 2,
    "CEngines": 0,
    "CMedullaLearning": 0,
    "MedullaBase": 1,
    "MedullaModel": 2,
    "MedullaPayload": 2,
    "MedullaSnapshot": 3,
    "MedullaEngines": 3,
    "MedullaFlows": 4,
    "MedullaCodegen": 4,
    "MedullaKernel": 4,
    "MedullaRuntime": 5,
    "MedullaAcceleratorRuntimes": 7,
    "MedullaDatapath": 6,
    "MedullaCongestion": 7,
    "MedullaPacket": 7,
    "MedullaClassification": 7,
    "MedullaScheduling": 7,
    "MedullaPaths": 7,
    "MedullaAccelerators": 6,
    "MedullaNF": 8,
    "MedullaFabric": 8,
    "MedullaNFFunctions": 11,
    "MedullaCompile": 8,
    "MedullaFrames": 9,
    "MedullaLearning": 10,
    "MedullaLabels": 10,
    "MedullaRetraining": 11,
    "MedullaAdaptation": 12,
    "MedullaCongestionAdapter": 13,
    "MedullaClassificationAdapter": 13,
    "MedullaAdapters": 14,
    "MedullaControl": 15,
    "Medulla": 15,
    "medulla": 16,
    "medullad": 16,
    "medulla-gpu-check": 16,
    // No target of the product imports the testbed: it stands below them all.
    "TestbedLink": 16,
    "TestbedReport": 16,
    "TestbedCaptures": 17,
    "TestbedMeasures": 17,
    "TestbedWorkload": 17,
    "TestbedBaselines": 18,
    "TestbedLargeScale": 18,
    "TestbedPackets": 18,
    "TestbedNF": 19,
    "TestbedExperiments": 20,
    "TestbedDemo": 20,
    "medulla-lab": 21,
    "medulla-demo": 21,
  ]

  /// The module that a path below Sources belongs to: its folder, that of a function or of a part of network
  /// functions (`NF`), or `Testbed` with its part.
  static func module(of path: String) -> String? {
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count > 2, parts[0] == "Sources" else { return nil }
    switch parts[1] {
    case "Testbed": return parts.count > 3 ? parts[1] + parts[2] : nil
    case "Functions", "NF": return parts.count > 3 ? parts[2] : nil
    default: return parts[1]
    }
  }
}
