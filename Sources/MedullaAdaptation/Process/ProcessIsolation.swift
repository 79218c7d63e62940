/// What an adapter's process is kept from, and what it may use.
package struct ProcessIsolation: Sendable, Equatable, Codable {
  package enum Level: String, Sendable, Codable, CaseIterable {
    /// A user of its own, Landlock, seccomp and limits.
    case full
    /// A child without capabilities: whatever its user may do, it may do.
    case none
  }

  package var level: Level
  /// The user whose rights the process has; nil: that of who starts it, where that is not root.
  package var user: String?
  /// Files and directories that it may read besides its program, its libraries and its own state.
  package var reads: [String]
  /// Address space of each of its processes, in bytes.
  package var memory: Int
  /// Processes and threads of its user.
  package var tasks: Int

  package static let memoryRange = (64 << 20)...(1 << 42)
  package static let taskRange = 1...65_536
  /// Of each of its processes.
  static let openFiles: UInt64 = 1_024
  static let fileBytes: UInt64 = 1 << 30

  package init(
    level: Level = .full, user: String? = nil, reads: [String] = [], memory: Int = 8 << 30, tasks: Int = 256
  ) {
    self.level = level
    self.user = user
    self.reads = reads
    self.memory = memory
    self.tasks = tasks
  }
}

/// What this kernel can keep a process from.
package struct KernelIsolation: Sendable, Equatable {
  /// Landlock's version; 0: the kernel has none, or it is switched off.
  package var landlock: Int
  /// The filter of system calls.
  package var hasSeccomp: Bool
  /// From here on Landlock decides about truncation too (Linux 6.2).
  static let truncationVersion = 3

  package init(landlock: Int, hasSeccomp: Bool) {
    self.landlock = landlock
    self.hasSeccomp = hasSeccomp
  }

  /// Why nothing can be isolated by it; nil when it can.
  ///
  /// - Parameter sharesUser: whether the process has the user of what it must be kept from; the files' own
  ///   permissions then protect nothing.
  func refusal(sharesUser: Bool, for role: ProcessRole = .adapter) -> AdapterFailure? {
    guard landlock > 0, hasSeccomp else {
      let lacking = [landlock > 0 ? nil : "Landlock", hasSeccomp ? nil : "seccomp"].compactMap(\.self)
      return AdapterFailure(
        .notIsolated, "this kernel has no \(lacking.joined(separator: " and no ")) to isolate \(role.one) by",
        remedy: "Boot it with `lsm=landlock,…` (`/sys/kernel/security/lsm` has the list), or set "
          + "`isolation: none` for the \(role.rawValue) and trust it like the daemon.")
    }
    guard !sharesUser || landlock >= Self.truncationVersion else {
      return AdapterFailure(
        .notIsolated,
        "Landlock \(landlock) of this kernel does not keep a process from emptying files of its own user",
        remedy: "Give the \(role.rawValue) a user of its own (as root), or use Linux 6.2 or later.")
    }
    return nil
  }
}
