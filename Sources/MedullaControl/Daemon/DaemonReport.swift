import MedullaAdaptation
import MedullaDatapath

/// The answer to `hello`.
public struct HelloAnswer: Codable, Sendable, Equatable {
  public var name = "medullad"
  public var version: String
  public var protocolVersion = ControlProtocol.version
  public var process: Int32

  enum CodingKeys: String, CodingKey {
    case name, version, process
    case protocolVersion = "protocol"
  }
}

/// One function in `status` and `top`.
public struct FunctionReport: Codable, Sendable, Equatable {
  public var state: RunnerState
  /// Where its bundle came from.
  public var bundle: String
  /// What the kernel has; nil when it cannot be read.
  public var kernel: CongestionStatus?
  public var kernelError: String?

  enum CodingKeys: String, CodingKey {
    case state, bundle, kernel
    case kernelError = "kernel_error"
  }
}

/// The answer to `status`, and a frame of `top`.
public struct DaemonReport: Codable, Sendable, Equatable {
  /// Seconds since 1970.
  public var time: Double
  public var version: String
  public var process: Int32
  public var user: String
  /// Capabilities in force, by name.
  public var capabilities: [String]
  public var uptimeSeconds: Double
  public var configuration: String
  public var socket: String
  /// How the socket came to be: `own` or `passed` by the service manager.
  public var socketOrigin: String
  public var onStop: DaemonSettings.OnStop
  public var history: HistoryHealth
  public var functions: [FunctionReport]

  enum CodingKeys: String, CodingKey {
    case time, version, process, user, capabilities, configuration, socket, history, functions
    case uptimeSeconds = "uptime_seconds"
    case socketOrigin = "socket_origin"
    case onStop = "on_stop"
  }
}

/// The answer to a verb: what was done, in a sentence.
public struct ControlOutcome: Codable, Sendable, Equatable {
  public var done: String

  public init(_ done: String) { self.done = done }
}

/// The answer to `history`.
public struct HistoryAnswer: Codable, Sendable, Equatable {
  public var records: [StoredRecord]
  public var snapshots: [KeptSnapshot]

  public init(records: [StoredRecord], snapshots: [KeptSnapshot]) {
    self.records = records
    self.snapshots = snapshots
  }
}

/// The answer to `why`.
public struct WhyAnswer: Codable, Sendable, Equatable {
  public var functions: [WhyReport]

  public init(functions: [WhyReport]) { self.functions = functions }
}
