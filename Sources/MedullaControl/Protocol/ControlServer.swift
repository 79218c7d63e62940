import CHost
import Foundation
import Glibc
import Logging

/// What answers the requests that arrive at a `ControlServer`; called from the server's thread only.
package protocol ControlTarget: AnyObject {
  func answer(_ request: ControlRequest, from peer: ControlPeer) -> ControlAnswer
  /// A frame of `top`, for one function or for all.
  func frame(function: String?) -> ControlAnswer
}

/// Who is at the other end, as the kernel says (`SO_PEERCRED`).
package struct ControlPeer: Sendable, Equatable {
  package let process: Int32
  package let user: UInt32
}

/// Serves the control socket on one thread of its own.
///
/// Every socket is non-blocking; a client that stalls holds up nobody, and nothing grows without bound
/// (`ControlConnection` has the limits).
package final class ControlServer: @unchecked Sendable {
  private struct Client {
    let descriptor: Int32
    let peer: ControlPeer
    var connection: ControlConnection
  }

  /// Frames are looked for this often while somebody watches.
  private static let tick = Duration.milliseconds(20)
  private static let readSize = 16 << 10
  /// Requests of one client in one round, so that the others come to their turn.
  private static let requestsAtOnce = 16

  private let listener: Int32
  private let target: any ControlTarget
  private let log: Logger
  private var clients: [Client] = []
  private let wake: (read: Int32, write: Int32)
  private let lock = NSLock()
  private var isStopping = false
  private var lastRound = Duration.zero
  private var hasStarted = false
  private let ended = DispatchSemaphore(value: 0)
  private let start = ContinuousClock.now

  /// - Parameter listener: a listening non-blocking socket, which this object closes.
  package init(listener: Int32, target: any ControlTarget, log: Logger) throws(ControlError) {
    self.listener = listener
    self.target = target
    self.log = log
    var ends: [Int32] = [0, 0]
    guard medulla_make_pipe(&ends) == 0 else { throw UnixSocket.system("make a pipe") }
    for end in ends { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    wake = (ends[0], ends[1])
  }

  deinit {
    close(wake.read)
    close(wake.write)
    close(listener)
  }

  package func run() {
    lock.withLock { hasStarted = true }
    let thread = Thread { [self] in
      while !lock.withLock({ isStopping }) { round() }
      finish()
      ended.signal()
    }
    thread.name = "control"
    thread.start()
  }

  /// Stops the thread; answers that wait are sent as far as their clients take them at once.
  package func stop() {
    let wasRunning = lock.withLock {
      defer { isStopping = true }
      return hasStarted && !isStopping
    }
    guard wasRunning else { return }
    var byte: UInt8 = 1
    _ = write(wake.write, &byte, 1)
    ended.wait()
  }

  private var now: Duration { ContinuousClock.now - start }

  /// How long the thread has not come round.
  var silence: Duration { lock.withLock { now - lastRound } }

  private func round() {
    lock.withLock { lastRound = now }
    var polled = [
      pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0),
      pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
    ]
    for client in clients {
      var events: Int32 = 0
      if client.connection.wantsInput { events |= POLLIN }
      if client.connection.hasOutput { events |= POLLOUT }
      polled.append(pollfd(fd: client.descriptor, events: Int16(events), revents: 0))
    }
    let watched = clients.contains { $0.connection.subscription != nil }
    // Requests that came with others wait in memory, where poll does not see them.
    let waits = clients.contains { $0.connection.hasRequest }
    let timeout: Duration = waits ? .zero : watched ? Self.tick : .seconds(1)
    guard poll(&polled, nfds_t(polled.count), Int32(timeout / .milliseconds(1))) >= 0 || errno == EINTR else {
      log.error("the control socket cannot be polled: \(String(cString: strerror(errno)))")
      usleep(100_000)
      return
    }
    var gone: Set<Int32> = []
    for index in clients.indices where !serve(index, polled[index + 2].revents) {
      gone.insert(clients[index].descriptor)
    }
    if !gone.isEmpty {
      for descriptor in gone { close(descriptor) }
      clients.removeAll { gone.contains($0.descriptor) }
    }
    if polled[1].revents != 0 { accept() }
  }

  private func accept() {
    // One round takes at most as many as wait.
    for _ in 0..<UnixSocket.backlog {
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else {
        if errno == EMFILE || errno == ENFILE { usleep(10_000) }
        return
      }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      guard clients.count < ControlProtocol.clientLimit else {
        let error = ControlError(
          .tooManyClients, "\(ControlProtocol.clientLimit) clients are connected already",
          remedy: "close one of them")
        let line = ControlAnswer.failure(error).line(id: nil)
        _ = send(descriptor, line, line.count, Int32(MSG_NOSIGNAL))
        close(descriptor)
        log.warning("a client was turned away: \(error.message)")
        continue
      }
      clients.append(
        Client(
          descriptor: descriptor, peer: Self.peer(of: descriptor), connection: ControlConnection(now: now)))
    }
  }

  /// Reads, answers and writes what one client allows; false when it is done with.
  private func serve(_ index: Int, _ events: Int16) -> Bool {
    let isReadable = Int32(events) & (POLLIN | POLLHUP | POLLERR) != 0
    if isReadable, clients[index].connection.wantsInput, !read(index) {
      // A client may send its requests and shut its side; an error ends it at once.
      guard errno == 0, clients[index].connection.hasRequest else { return false }
    }
    for _ in 0..<Self.requestsAtOnce {
      guard let event = clients[index].connection.next() else { break }
      guard handle(event, index) else { return false }
      guard flush(index) else { return false }
    }
    if clients[index].connection.takesFrame(now: now),
      let subscription = clients[index].connection.subscription
    {
      let line = target.frame(function: subscription.function).line(id: subscription.id)
      guard clients[index].connection.send(line, now: now) else { return false }
    }
    guard flush(index) else { return false }
    let connection = clients[index].connection
    if connection.isClosing && !connection.hasOutput { return false }
    guard let end = connection.end(now: now) else { return true }
    log.info("closed the client of process \(clients[index].peer.process): \(end)")
    return false
  }

  private func read(_ index: Int) -> Bool {
    var bytes = [UInt8](repeating: 0, count: Self.readSize)
    errno = 0
    let count = recv(clients[index].descriptor, &bytes, bytes.count, 0)
    if count > 0 {
      clients[index].connection.receive(bytes[..<count], now: now)
      return true
    }
    return count < 0 && (errno == EAGAIN || errno == EINTR)
  }

  private func handle(_ event: ControlConnection.Event, _ index: Int) -> Bool {
    let line: [UInt8]
    switch event {
    case .request(let request):
      let answer = target.answer(request, from: clients[index].peer)
      line = answer.line(id: request.id)
      if request.method == .top, case .result = answer {
        clients[index].connection.subscribe(
          id: request.id, function: request.function, every: .seconds(request.every ?? 1), now: now)
      }
    case .refusal(let refusal):
      line = ControlAnswer.failure(refusal.error).line(id: refusal.id)
    case .fatal(let error):
      line = ControlAnswer.failure(error).line(id: nil)
      clients[index].connection.finish()
    }
    return clients[index].connection.send(line, now: now)
  }

  private func flush(_ index: Int) -> Bool {
    while clients[index].connection.hasOutput {
      let count = clients[index].connection.pendingOutput.withUnsafeBytes {
        send(clients[index].descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard count >= 0 else { return errno == EAGAIN || errno == EINTR }
      clients[index].connection.sent(count, now: now)
    }
    return true
  }

  private func finish() {
    for index in clients.indices {
      _ = flush(index)
      close(clients[index].descriptor)
    }
    clients = []
  }

  private static func peer(of descriptor: Int32) -> ControlPeer {
    var credentials: (pid: Int32, uid: UInt32, gid: UInt32) = (0, UInt32.max, UInt32.max)
    var size = socklen_t(12)
    getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size)
    return ControlPeer(process: credentials.pid, user: credentials.uid)
  }
}
