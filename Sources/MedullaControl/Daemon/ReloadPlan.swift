import MedullaAdaptation

/// What a new configuration changes in a daemon that runs.
struct ReloadPlan: Equatable {
  /// Keys of `[daemon]` that only a start reads.
  let needRestart: [String]
  /// Names of functions that are no longer there.
  let stopped: [String]
  /// Functions to start: the new ones and the changed ones.
  let started: [FunctionSettings]
  let changed: Set<String>
  /// The configuration that holds afterwards.
  let applied: Configuration

  init(from old: Configuration, to new: Configuration) {
    var daemon = new.daemon
    var keys: [String] = []
    func hold<Value: Equatable>(_ key: String, _ path: WritableKeyPath<DaemonSettings, Value>) {
      guard old.daemon[keyPath: path] != new.daemon[keyPath: path] else { return }
      keys.append(key)
      daemon[keyPath: path] = old.daemon[keyPath: path]
    }
    hold("socket", \.socket)
    hold("state", \.state)
    hold("user", \.user)
    hold("log_level", \.logLevel)
    needRestart = keys
    let names = Set(new.functions.map(\.name))
    stopped = old.functions.map(\.name).filter { !names.contains($0) }
    started = new.functions.filter { !old.functions.contains($0) }
    let before = Set(old.functions.map(\.name))
    changed = Set(started.map(\.name)).intersection(before)
    applied = Configuration(daemon: daemon, functions: new.functions)
  }
}
