import CHost
import Foundation

/// Why a program could not be started, as an errno.
struct SpawnFailure: Error {
  let number: Int32
}

/// The standard streams of a program that is about to start.
struct SpawnPipes {
  private var childEnds: [Int32] = [-1, -1, -1]
  private var ownEnds: [Int32] = []
  private var discarded: [Int32] = []

  /// Prepares stream 0, 1 or 2; returns this process's end of a pipe, or -1.
  mutating func connect(_ number: Int, _ stream: ChildProgram.Stream) throws(SpawnFailure) -> Int32 {
    switch stream {
    case .inherited: return -1
    case .discarded:
      discarded.append(Int32(number))
      return -1
    case .pipe:
      var ends: [Int32] = [-1, -1]
      let made = medulla_make_pipe(&ends)
      guard made == 0 else { throw SpawnFailure(number: -made) }
      let own = number == 0 ? ends[1] : ends[0]
      childEnds[number] = number == 0 ? ends[0] : ends[1]
      ownEnds.append(own)
      if number > 0 { _ = fcntl(own, F_SETFL, O_NONBLOCK) }
      return own
    }
  }

  /// Starts the program with the prepared streams, no blocked signals and default actions.
  func spawn(_ arguments: [String], _ setting: ChildProgram.Setting) throws(SpawnFailure) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (number, end) in childEnds.enumerated() where end >= 0 {
      posix_spawn_file_actions_adddup2(&actions, end, Int32(number))
    }
    for number in discarded {
      posix_spawn_file_actions_addopen(
        &actions, number, "/dev/null", number == 0 ? O_RDONLY : O_WRONLY, 0)
    }
    if let directory = setting.directory {
      let changed = medulla_spawn_change_directory(&actions, directory)
      guard changed == 0 else { throw SpawnFailure(number: -changed) }
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    let group = setting.leadsGroup ? POSIX_SPAWN_SETPGROUP : 0
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group))

    var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
    words.append(nil)
    var settings: [UnsafeMutablePointer<CChar>?] = Self.environment(with: setting.environment).map {
      strdup($0)
    }
    settings.append(nil)
    defer { for word in words + settings { free(word) } }
    var identifier = pid_t()
    guard let program = words[0] else { throw SpawnFailure(number: ENOMEM) }
    let error = posix_spawnp(&identifier, program, &actions, &attributes, words, settings)
    guard error == 0 else { throw SpawnFailure(number: error) }
    return identifier
  }

  func closeChildEnds() {
    for end in childEnds where end >= 0 { close(end) }
  }

  func closeOwnEnds() {
    for end in ownEnds { close(end) }
  }

  /// This process's environment with changes.
  private static func environment(with changes: [String: String]) -> [String] {
    ProcessInfo.processInfo.environment.merging(changes) { _, new in new }
      .sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
  }
}
