import MedullaAdaptation
import MedullaDatapath
import MedullaNF

/// The answer to `hello`.
package struct HelloAnswer: Codable, Sendable, Equatable {
  package var name = "medullad"
  package var version: String
  package var protocolVersion = ControlProtocol.version
  package var process: Int32

  enum CodingKeys: String, CodingKey {
    case name, version, process
    case protocolVersion = "protocol"
  }
}

/// One function in `status` and `top`.
package struct FunctionReport: Codable, Sendable, Equatable {
  package var state: RunnerState
  /// Where its bundle came from.
  package var bundle: String
  /// How its adapter's process is isolated; nil when it has none.
  package var isolation: String?
  /// What the kernel has; nil when it cannot be read.
  package var kernel: InstanceStatus?
  package var kernelError: String?

  enum CodingKeys: String, CodingKey {
    case state, bundle, isolation, kernel
    case kernelError = "kernel_error"
  }
}

/// The answer to `status`, and a frame of `top`.
package struct DaemonReport: Codable, Sendable, Equatable {
  /// Seconds since 1970.
  package var time: Double
  package var version: String
  package var process: Int32
  package var user: String
  /// Capabilities in force, by name.
  package var capabilities: [String]
  package var uptimeSeconds: Double
  package var configuration: String
  package var socket: String
  /// How the socket came to be: `own` or `passed` by the service manager.
  package var socketOrigin: String
  package var onStop: DaemonSettings.OnStop
  package var history: HistoryHealth
  package var functions: [FunctionReport]
  /// Chains of network functions.
  package var chains: [ChainReport]

  enum CodingKeys: String, CodingKey {
    case time, version, process, user, capabilities, configuration, socket, history, functions, chains
    case uptimeSeconds = "uptime_seconds"
    case socketOrigin = "socket_origin"
    case onStop = "on_stop"
  }
}

/// The answer to a verb: what was done, in a sentence.
package struct ControlOutcome: Codable, Sendable, Equatable {
  package var done: String

  package init(_ done: String) { self.done = done }
}

/// The answer to `history`.
package struct HistoryAnswer: Codable, Sendable, Equatable {
  package var records: [StoredRecord]
  package var snapshots: [KeptSnapshot]

  package init(records: [StoredRecord], snapshots: [KeptSnapshot]) {
    self.records = records
    self.snapshots = snapshots
  }
}

/// The answer to `why`.
package struct WhyAnswer: Codable, Sendable, Equatable {
  package var functions: [WhyReport]

  package init(functions: [WhyReport]) { self.functions = functions }
}

/// The answer to `chains`.
package struct ChainsAnswer: Codable, Sendable, Equatable {
  package var chains: [ChainReport]

  package init(chains: [ChainReport]) { self.chains = chains }
}
