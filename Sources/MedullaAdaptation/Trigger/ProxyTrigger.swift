/// Open from when a value from outside says that the network does badly until one says that it does well
/// again, with room between the two so that noise does not open and shut it.
package struct ProxyTrigger: Trigger {
  package let settings: TriggerSettings.Proxy
  private var value: Double?
  private var count = 0
  private var isOpen = false

  package init(_ settings: TriggerSettings.Proxy) {
    self.settings = settings
  }

  package mutating func hear(_ news: TriggerNews, at now: Duration) {
    guard case .proxy(let value) = news, value.isFinite else { return }
    self.value = value
    count += 1
    // Counted so that larger is worse.
    let sign = settings.isBadBelow ? -1.0 : 1.0
    let over = sign * (value - settings.threshold)
    isOpen = isOpen ? over > -settings.hysteresis : over > 0
  }

  package mutating func decide(at now: Duration) -> TriggerDecision {
    let reason =
      value == nil
      ? "nobody has given a value yet"
      : isOpen ? "the value from outside is bad" : "the value from outside is good"
    return TriggerDecision(
      .proxy, isOpen: isOpen,
      Evidence(
        value: value, threshold: settings.threshold, unit: .given, count: count, reason: reason,
        figures: ["hysteresis": settings.hysteresis]))
  }
}
