import MedullaKernel

/// What a program set of the congestion control has beside the maps of every function.
struct CongestionPins {
  static let mapNames = ["congestion_flows", "congestion_config", "congestion_ops"]
  static let structOpsName = "congestion_ops"
  static let mainProgram = "congestion_main"

  let configuration: BPFMap
  let operations: BPFMap
  private let storage: BPFMap
  private let list: BPFProgram
  private let drainer: BPFProgram

  init(path: String) throws {
    configuration = try BPFMap(pinned: path + "/congestion_config")
    operations = try BPFMap(pinned: path + "/congestion_ops")
    storage = try BPFMap(pinned: path + "/congestion_flows")
    list = try BPFProgram(pinned: path + "/program_congestion_list")
    drainer = try BPFProgram(pinned: path + "/program_congestion_drain")
  }

  /// Visits every flow so that those of moving slots go to the active one.
  func drain() throws {
    _ = try drainer.iterate(over: storage)
  }

  /// Every flow that is on this program set, in all network namespaces.
  func liveFlows(generation: Int) throws -> [CongestionFlow] {
    let bytes = try list.iterate(over: storage)
    return bytes.withUnsafeBytes { raw in
      stride(from: 0, through: raw.count - KernelFlowRecord.size, by: KernelFlowRecord.size).map { start in
        let record = raw.loadUnaligned(fromByteOffset: start, as: KernelFlowRecord.self)
        let features = (0..<KernelFlowRecord.featureCount).map {
          raw.loadUnaligned(fromByteOffset: start + KernelFlowRecord.featuresOffset + 4 * $0, as: Int32.self)
        }
        return CongestionFlow(record, features: features, generation: generation)
      }
    }
  }
}
