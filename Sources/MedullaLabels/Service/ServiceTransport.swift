import Foundation
import MedullaBase
import Synchronization

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// What came back of one call.
package struct ServiceReply: Sendable, Equatable {
  package let status: Int
  package let retryAfter: String?
  package let body: Data

  package init(status: Int, retryAfter: String? = nil, body: Data) {
    self.status = status
    self.retryAfter = retryAfter
    self.body = body
  }
}

/// How calls reach a service.
package protocol ServiceTransport: AnyObject {
  /// - Throws: `LabelServiceError` with `unreachable`, `timedOut` or `tooLarge`.
  func post(_ body: Data, within limit: Duration) throws(LabelServiceError) -> ServiceReply
  func close()
}

/// HTTP by URLSession: one call at a time over one connection, nothing kept on disk, no cookies, no
/// redirects.
package final class URLTransport: ServiceTransport {
  private let address: URL
  private let headers: [String: String]
  private let receiver: ReplyReceiver
  private let session: URLSession

  /// - Parameter limit: bytes of an answer.
  package init(_ address: URL, headers: [String: String], limit: Int) {
    self.address = address
    self.headers = headers
    receiver = ReplyReceiver(limit: limit)
    let configuration = URLSessionConfiguration.ephemeral
    configuration.urlCache = nil
    configuration.httpCookieStorage = nil
    configuration.httpShouldSetCookies = false
    configuration.httpMaximumConnectionsPerHost = 1
    session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
  }

  package func post(_ body: Data, within limit: Duration) throws(LabelServiceError) -> ServiceReply {
    var request = URLRequest(url: address)
    request.httpMethod = "POST"
    request.httpBody = body
    request.timeoutInterval = max(0.001, limit.inSeconds)
    request.setValue("application/json", forHTTPHeaderField: "Content-Type")
    request.setValue("application/json", forHTTPHeaderField: "Accept")
    for (name, value) in headers { request.setValue(value, forHTTPHeaderField: name) }
    let task = session.dataTask(with: request)
    let wait = receiver.begin(task.taskIdentifier)
    task.resume()
    let isDone = wait.wait(timeout: .now() + limit.inSeconds) == .success
    let outcome = receiver.end(task.taskIdentifier)
    guard isDone, let outcome else {
      task.cancel()
      throw LabelServiceError(
        .timedOut, "the label service \(address.host ?? "") did not answer within \(limit)",
        remedy: "Raise `call_timeout`, or ask about fewer flows at once.")
    }
    return try outcome.get()
  }

  package func close() { session.invalidateAndCancel() }
}

/// Collects the answers of the tasks that are waited for; what comes of others is thrown away.
private final class ReplyReceiver: NSObject, URLSessionDataDelegate, Sendable {
  private struct Pending {
    let done = DispatchSemaphore(value: 0)
    var status = 0
    var retryAfter: String?
    var body = Data()
    var outcome: Result<ServiceReply, LabelServiceError>?
  }

  private let limit: Int
  private let pending = Mutex<[Int: Pending]>([:])

  init(limit: Int) { self.limit = limit }

  func begin(_ task: Int) -> DispatchSemaphore {
    pending.withLock { pending in
      let entry = Pending()
      pending[task] = entry
      return entry.done
    }
  }

  func end(_ task: Int) -> Result<ServiceReply, LabelServiceError>? {
    pending.withLock { $0.removeValue(forKey: task)?.outcome }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    // Flows and the caller's secrets go where the configuration says, and nowhere else.
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    let answer = response as? HTTPURLResponse
    pending.withLock {
      $0[dataTask.taskIdentifier]?.status = answer?.statusCode ?? 0
      $0[dataTask.taskIdentifier]?.retryAfter = answer?.value(forHTTPHeaderField: "Retry-After")
    }
    if response.expectedContentLength > Int64(limit) {
      finish(dataTask.taskIdentifier, .failure(tooLarge))
      return completionHandler(.cancel)
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let isTooLarge = pending.withLock { pending in
      guard let count = pending[dataTask.taskIdentifier]?.body.count else { return true }
      guard count + data.count <= limit else { return true }
      pending[dataTask.taskIdentifier]?.body.append(data)
      return false
    }
    guard isTooLarge else { return }
    finish(dataTask.taskIdentifier, .failure(tooLarge))
    dataTask.cancel()
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    let identifier = task.taskIdentifier
    if let error {
      let isTimeout = (error as? URLError)?.code == .timedOut
      return finish(
        identifier,
        .failure(
          LabelServiceError(
            isTimeout ? .timedOut : .unreachable, "the label service cannot be reached",
            cause: error.localizedDescription,
            remedy: "Does it run, and does this machine get there? Until then its labels lack.")))
    }
    let entry = pending.withLock { $0[identifier] }
    guard let entry else { return }
    finish(
      identifier,
      .success(ServiceReply(status: entry.status, retryAfter: entry.retryAfter, body: entry.body)))
  }

  private var tooLarge: LabelServiceError {
    LabelServiceError(
      .tooLarge, "the label service's answer is longer than \(limit) bytes",
      remedy: "Ask about fewer flows at once, or raise `response_limit`.")
  }

  /// The first outcome of a task counts.
  private func finish(_ task: Int, _ outcome: Result<ServiceReply, LabelServiceError>) {
    let done = pending.withLock { pending -> DispatchSemaphore? in
      guard let entry = pending[task], entry.outcome == nil else { return nil }
      pending[task]?.outcome = outcome
      return entry.done
    }
    done?.signal()
  }
}
