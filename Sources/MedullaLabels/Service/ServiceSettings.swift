import Foundation
import MedullaBase

/// How an outside service is asked over HTTP.
package struct ServiceSettings: Sendable, Equatable {
  package var url: String
  /// Sent with each request, such as `Authorization`.
  package var headers: [String: String]
  /// What one call costs, and each flow in it; a budget is in the same unit.
  package var pricePerCall: Double
  package var pricePerFlow: Double
  /// Flows of one call.
  package var batch: Int
  /// Of one `label`, with all its calls and waits.
  package var deadline: Duration
  /// Of one call.
  package var callTimeout: Duration
  /// Calls that are tried for the same flows.
  package var attempts: Int
  /// Before the second try; each further one doubles it, and chance takes up to half away.
  package var firstWait: Duration
  package var longestWait: Duration
  /// Bytes of an answer.
  package var responseLimit: Int
  /// Answers that are remembered by what was asked, and for how long.
  package var cache: Int
  package var cacheAge: Duration
  /// Whether addresses and ports leave this machine.
  package var sendsEndpoints: Bool
  /// nil: the service is not asked for rules.
  package var rules: RuleSettings?

  package init(
    url: String, headers: [String: String] = [:], pricePerCall: Double = 0, pricePerFlow: Double = 0,
    batch: Int = 16, deadline: Duration = .seconds(30), callTimeout: Duration = .seconds(10),
    attempts: Int = 4, firstWait: Duration = .milliseconds(250), longestWait: Duration = .seconds(10),
    responseLimit: Int = 1 << 20, cache: Int = 4_096, cacheAge: Duration = .seconds(3_600),
    sendsEndpoints: Bool = false, rules: RuleSettings? = nil
  ) {
    self.url = url
    self.headers = headers
    self.pricePerCall = pricePerCall
    self.pricePerFlow = pricePerFlow
    self.batch = batch
    self.deadline = deadline
    self.callTimeout = callTimeout
    self.attempts = attempts
    self.firstWait = firstWait
    self.longestWait = longestWait
    self.responseLimit = responseLimit
    self.cache = cache
    self.cacheAge = cacheAge
    self.sendsEndpoints = sendsEndpoints
    self.rules = rules
  }

  /// - Returns: where to send requests.
  /// - Throws: `badSetting`.
  package func check() throws(LabelServiceError) -> URL {
    guard let address = URL(string: url), let scheme = address.scheme?.lowercased(),
      ["http", "https"].contains(scheme), address.host?.isEmpty == false
    else {
      throw LabelServiceError(
        .badSetting, "`\(url)` is no address of a label service",
        remedy: "Name one such as https://labels.example/v1/label")
    }
    let times = [deadline, callTimeout, firstWait, longestWait, cacheAge]
    let prices = [pricePerCall, pricePerFlow]
    guard times.allSatisfy({ $0 > .zero && $0 <= .seconds(86_400) }),
      prices.allSatisfy({ $0.isFinite && $0 >= 0 }), (1...4_096).contains(batch), (1...16).contains(attempts),
      (1 << 10...1 << 26).contains(responseLimit), (0...1 << 20).contains(cache)
    else {
      throw LabelServiceError(
        .badSetting, "the label service cannot be asked with these settings: \(self)",
        remedy: "Times are above 0 and at most a day, prices at least 0, a batch 1 to 4,096 flows, "
          + "attempts 1 to 16, an answer 1 KiB to 64 MiB.")
    }
    try rules?.check()
    return address
  }
}
