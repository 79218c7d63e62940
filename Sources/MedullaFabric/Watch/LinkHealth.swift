/// Which links are there, by when something was last heard over them: the decision without clock and socket.
package struct LinkHealth: Sendable {
  /// What is not heard of for so long is gone.
  package let patience: Duration
  private var heard: [Duration]

  /// All links count as heard of when it begins.
  package init(links: Int, patience: Duration, at now: Duration) {
    self.patience = patience
    heard = [Duration](repeating: now, count: links)
  }

  package mutating func hear(_ link: Int, at now: Duration) {
    if heard.indices.contains(link) { heard[link] = max(heard[link], now) }
  }

  /// Whether a link has gone just now while others may yet follow: a switch's links fall silent one by one.
  package func isDeciding(at now: Duration) -> Bool {
    let silences = heard.map { now - $0 }
    return silences.contains { $0 > patience && $0 <= patience * 3 / 2 }
      && silences.contains { $0 > patience / 3 && $0 <= patience }
  }

  /// Links that are gone.
  ///
  /// Where nothing at all is heard it is the watcher itself that does not run, and nobody is gone.
  package func gone(at now: Duration) -> Set<Int> {
    let gone = heard.indices.filter { now - heard[$0] > patience }
    return gone.count == heard.count ? [] : Set(gone)
  }
}
