import CHost
import Foundation
import Synchronization

#if canImport(Glibc)
import Glibc
#endif

/// The process by which adapters are started and ended: it has been forked before this one gave up its
/// privileges, keeps those that a change of the user needs, and serves only what its policy lists.
package final class Spawner: Sendable {
  /// What it serves; fixed at its start.
  package struct Policy: Sendable {
    /// Users that adapters may have; nil: any but root.
    package var users: [String]?
    /// Whether anything is started without isolation.
    package var allowsBare: Bool
    /// The directory below which each adapter has one of its own.
    package var states: String

    package init(users: [String]? = nil, allowsBare: Bool = true, states: String? = nil) {
      self.users = users
      self.allowsBare = allowsBare
      self.states = states ?? Self.standardStates
    }

    private static var standardStates: String {
      if geteuid() == 0 { return "/var/lib/medulla-adapters" }
      let environment = ProcessInfo.processInfo.environment
      let base = environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.local/state"
      return base + "/medulla-adapters"
    }
  }

  private static let current = Mutex<Spawner?>(nil)

  let policy: Policy
  /// Whether it may give a process another user.
  let isPrivileged: Bool
  /// Its end of the channel; one question at a time.
  private let channel: Mutex<Int32>

  private init(_ policy: Policy) throws(AdapterFailure) {
    self.policy = policy
    isPrivileged = geteuid() == 0
    var accounts: [Account] = []
    for name in policy.users ?? [] { accounts.append(try Account(name)) }
    guard accounts.count <= Int(MEDULLA_MAX_ACCOUNTS) else {
      throw AdapterFailure(.badRequest, "adapters have more than \(MEDULLA_MAX_ACCOUNTS) users")
    }
    let states = try Self.openStates(policy.states)
    defer { close(states) }
    var request = medulla_spawner_policy()
    request.states = states
    request.allows_bare = policy.allowsBare ? 1 : 0
    request.account_count = policy.users == nil ? -1 : Int32(accounts.count)
    withUnsafeMutableBytes(of: &request.accounts) { bytes in
      let table = bytes.bindMemory(to: medulla_account.self)
      for (index, account) in accounts.enumerated() {
        table[index] = medulla_account(user: account.user, group: account.group)
      }
    }
    let descriptor = medulla_start_spawner(&request)
    guard descriptor >= 0 else {
      throw AdapterFailure(.cannotStart, "cannot fork the spawner: \(String(cString: strerror(-descriptor)))")
    }
    channel = Mutex(descriptor)
  }

  deinit { channel.withLock { _ = close($0) } }

  /// Forks the one of this process. A daemon calls it while it has its privileges and one thread; later ones
  /// take the place of this, which ends with its last adapter.
  package static func start(_ policy: Policy) throws(AdapterFailure) {
    let made = try Spawner(policy)
    current.withLock { $0 = made }
  }

  /// The one that was started; else one is forked now, with any account but root's.
  static func shared() throws(AdapterFailure) -> Spawner {
    if let there = current.withLock({ $0 }) { return there }
    let made = try Spawner(Policy())
    return current.withLock { there in
      if let there { return there }
      there = made
      return made
    }
  }

  /// - Returns: a descriptor of the states' directory, made where it is missing, to which nobody else writes.
  private static func openStates(_ path: String) throws(AdapterFailure) -> Int32 {
    func failure(_ what: String) -> AdapterFailure {
      AdapterFailure(
        .cannotStart, "the adapters' directory \(path) \(what)",
        remedy: "It must be a directory of user \(geteuid())'s, to which nobody else may write.")
    }
    var made = ""
    for part in path.split(separator: "/") {
      made += "/" + part
      guard mkdir(made, 0o755) == 0 || errno == EEXIST || errno == EROFS else {
        throw failure("cannot be made: \(String(cString: strerror(errno)))")
      }
    }
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure("cannot be opened: \(String(cString: strerror(errno)))") }
    var facts = stat()
    guard fstat(descriptor, &facts) == 0, facts.st_uid == geteuid(), fchmod(descriptor, 0o711) == 0 else {
      close(descriptor)
      throw failure("is another user's")
    }
    return descriptor
  }
}

// What is asked of it.
extension Spawner {
  /// A child that was started.
  struct Request {
    let program: String
    let arguments: [String]
    let environment: [String: String]
    let directory: String?
    let state: String
    let channel: Int32
    let output: Int32
    /// A packet socket that the child is handed; nil: none.
    let packets: Int32?
    /// Whether it will be handed receive rings of an interface, by which it must not reach the rings that all
    /// share.
    let hasReceiveRings: Bool
    let role: ProcessRole
    let account: Account?
    let priority: Int32
    let isolation: ProcessIsolation
    let readable: [String]
  }

  func spawn(_ request: Request) throws(AdapterFailure) -> pid_t {
    let sharesUser = request.account.map { $0.user == geteuid() } ?? true
    // Without a user of its own it gets this process's, which is no longer the spawner's.
    let (user, group) = request.account.map { ($0.user, $0.group) } ?? (geteuid(), getegid())
    let tasks = request.isolation.tasks + (sharesUser ? Account.tasks(of: geteuid()) : 0)
    let arguments = WordList([request.program] + request.arguments)
    let variables = WordList(request.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    let readable = WordList(request.readable)
    let names = WordList([request.state] + (request.directory.map { [$0] } ?? []))
    var stage: Int32 = 0
    let isolation = medulla_isolation(
      is_full: request.isolation.level == .full ? 1 : 0, shares_user: sharesUser ? 1 : 0,
      readable: readable.pointer, memory_bytes: UInt64(request.isolation.memory),
      open_files: ProcessIsolation.openFiles, file_bytes: ProcessIsolation.fileBytes, tasks: UInt64(tasks),
      has_packets: request.packets == nil ? 0 : 1, has_receive_rings: request.hasReceiveRings ? 1 : 0)
    var spawn = medulla_spawn(
      arguments: arguments.pointer, environment: variables.pointer, directory: names[1], state: names[0],
      channel: request.channel, output: request.output, packets: request.packets ?? -1,
      user: isPrivileged ? Int64(user) : -1,
      group: isPrivileged ? Int64(group) : -1, priority: request.priority, isolation: isolation)
    let child = channel.withLock { medulla_spawn($0, &spawn, &stage) }
    withExtendedLifetime((arguments, variables, readable, names)) {}
    guard child > 0 else { throw Self.failure(request, stage: stage, error: -child) }
    return child
  }

  /// How a child ended, as `waitid` says; nil while it runs.
  func look(at child: pid_t) -> (code: Int32, status: Int32)? {
    var (code, status): (Int32, Int32) = (0, 0)
    return channel.withLock { medulla_look_at_child($0, child, &code, &status) } == 1 ? (code, status) : nil
  }

  /// Kills a child with all that it has started, and reaps it.
  func end(_ child: pid_t) { channel.withLock { _ = medulla_end_child($0, child) } }

  private static func failure(_ request: Request, stage: Int32, error: Int32) -> AdapterFailure {
    let cause = String(cString: strerror(error))
    let what = "cannot start \(request.program)"
    let user = request.account?.name ?? "its user"
    switch UInt32(stage) {
    case MEDULLA_STAGE_PROGRAM.rawValue where error == ENOENT:
      return AdapterFailure(
        .cannotStart, "\(what): \(cause)", remedy: "Install it, or name its full path.")
    case MEDULLA_STAGE_PROGRAM.rawValue:
      return AdapterFailure(
        .cannotStart, "\(what) as \(user): \(cause)",
        remedy: "User and isolation must let it be read and run: check the permissions on its path, and name "
          + "what it needs elsewhere in `reads`.")
    case MEDULLA_STAGE_FILES.rawValue, MEDULLA_STAGE_CALLS.rawValue:
      return AdapterFailure(
        .notIsolated, "\(what): it cannot be isolated: \(cause)",
        remedy: "The kernel needs Landlock and seccomp; `isolation: none` does without.")
    case MEDULLA_STAGE_DIRECTORY.rawValue:
      return AdapterFailure(
        .cannotStart, "\(what): \(user) cannot enter \(request.directory ?? "its directory"): \(cause)",
        remedy: "Let it pass, or keep the configuration elsewhere.")
    case MEDULLA_STAGE_STATE.rawValue:
      return AdapterFailure(.cannotStart, "\(what): its directory \(request.state) cannot be made: \(cause)")
    case MEDULLA_STAGE_REFUSED.rawValue where error == EPERM:
      return AdapterFailure(
        .notIsolated, "\(what): the spawner does not serve \(user) so",
        remedy: "Users of \(request.role.rawValue)s change with the daemon's next start only.")
    default:
      return AdapterFailure(.cannotStart, "\(what): \(cause) (step \(stage))")
    }
  }
}

/// Words as C wants them: a null-terminated array of them.
private final class WordList {
  private let words: [UnsafeMutablePointer<CChar>?]
  let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

  init(_ texts: [String]) {
    words = texts.map { strdup($0) } + [nil]
    pointer = .allocate(capacity: words.count)
    pointer.initialize(from: words, count: words.count)
  }

  subscript(index: Int) -> UnsafeMutablePointer<CChar>? { index < words.count ? words[index] : nil }

  deinit {
    for word in words { free(word) }
    pointer.deallocate()
  }
}
