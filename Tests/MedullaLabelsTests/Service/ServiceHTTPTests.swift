import Foundation
import Glibc
import MedullaBase
import Testing

@testable import MedullaLabels

/// The stand-in of a label service, and what runs it.
enum StandIn {
  static let python: String? =
    "/usr/bin:\(ProcessInfo.processInfo.environment["PATH"] ?? "")".split(separator: ":")
    .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  static let program = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("examples/labels/service.py").path
}

@Suite("A label service over HTTP", .enabled(if: StandIn.python != nil, "needs python3"))
struct ServiceHTTPTests {
  /// A program that says its address in its first line; it ends with this object.
  final class Server {
    let child: ChildProgram
    let url: String
    init(_ arguments: [String]) throws {
      child = try ChildProgram([StandIn.python ?? "python3"] + arguments)
      let line = try child.readLine(within: .seconds(20)) ?? ""
      url = line.split(separator: " ").first.map(String.init) ?? ""
      #expect(url.hasPrefix("http://127.0.0.1:"), "\(line)")
    }
    deinit { child.end() }

    static func standIn(_ options: [String] = []) throws -> Server {
      try Server(
        [
          StandIn.program, "--port", "0", "--classes", "benign,attack", "--when", "rate > 10 = attack",
          "--seed", "7",
        ] + options)
    }

    /// One that answers each request by these bytes, and then as `after` says.
    static func raw(_ answer: String, after: String = "pass") throws -> Server {
      let script = """
        import socket, sys, time
        listener = socket.create_server(("127.0.0.1", 0))
        print(f"http://127.0.0.1:{listener.getsockname()[1]}/ raw", flush=True)
        while True:
            channel, _ = listener.accept()
            try:
                channel.recv(1 << 16)
                \(answer)
                \(after)
            except OSError: pass
            channel.close()
        """
      return try Server(["-c", script])
    }
  }

  static func agent(
    _ server: Server, _ change: (inout ServiceSettings) -> Void = { _ in }
  ) throws -> ServiceAgent {
    var settings = ServiceSettings(url: server.url, deadline: .seconds(20), firstWait: .milliseconds(5))
    change(&settings)
    return try ServiceAgent("service", settings, schema: ServiceStub.schema, seed: 1)
  }

  static func requests(_ count: Int) -> [LabelRequest] {
    (0..<count).map { ServiceStub.request(UInt64($0) << 40, rate: Double($0) / 50) }
  }

  @Test("the stand-in labels by its conditions, and is wrong as often as it says, the same way each time")
  func standIn() throws {
    let server = try Server.standIn(["--error-rate", "0.2"])
    let agent = try Self.agent(server) { $0.batch = 100 }
    defer { agent.close() }
    let requests = Self.requests(1_000)
    let labels = try agent.label(requests)
    #expect(labels.count == 1_000)
    let wrong = zip(requests, labels).count { ($0.features[0] > 10 ? 1 : 0) != $1.label }
    // Four standard deviations; the seed is the stand-in's, so that it is the same each time.
    #expect((150...250).contains(wrong), "\(wrong) of 1000")
    let other = try Self.agent(server) { $0.batch = 7 }
    defer { other.close() }
    #expect(try other.label(Array(requests.prefix(100))).map(\.label) == labels.prefix(100).map(\.label))
    #expect(labels.allSatisfy { $0.confidence == 0.8 })
  }

  @Test("a service that fails at times is asked again until it answers")
  func flaky() throws {
    let server = try Server.standIn(["--failure-rate", "0.4", "--error-rate", "0"])
    let agent = try Self.agent(server) {
      $0.batch = 20
      $0.attempts = 16
    }
    defer { agent.close() }
    #expect(try agent.label(Self.requests(200)).count == 200)
    #expect(agent.report.retries > 0 && agent.report.calls == 10 + agent.report.retries)
  }

  @Test("a token that lacks is a refusal that says so; with it the service answers")
  func token() throws {
    let server = try Server.standIn(["--token", "secret"])
    let without = try Self.agent(server)
    defer { without.close() }
    let error = #expect(throws: LabelServiceError.self) { try without.label(Self.requests(1)) }
    #expect(error?.code == .refused && error?.message.contains("401") == true)
    let with = try Self.agent(server) { $0.headers = ["Authorization": "Bearer secret"] }
    defer { with.close() }
    #expect(try with.label(Self.requests(3)).count == 3)
  }

  @Test("a slow service costs a call's time and no more")
  func slow() throws {
    let server = try Server.standIn(["--latency", "30"])
    let agent = try Self.agent(server) {
      $0.callTimeout = .milliseconds(300)
      $0.attempts = 2
    }
    defer { agent.close() }
    let start = MonotonicClock.now
    let error = #expect(throws: LabelServiceError.self) { try agent.label(Self.requests(1)) }
    #expect(error?.code == .timedOut && MonotonicClock.now - start < .seconds(10))
  }

  @Test("an answer longer than the limit is cut off, whether it says its length or not")
  func large() throws {
    let header = "HTTP/1.1 200 OK\\r\\nContent-Type: application/json\\r\\n"
    for answer in [
      "channel.sendall(b'\(header)Content-Length: 99999999\\r\\n\\r\\n')",
      "channel.sendall(b'\(header)\\r\\n'); [channel.sendall(b'x' * 65536) for _ in range(2000)]",
    ] {
      let server = try Server.raw(answer, after: "time.sleep(0.1)")
      let agent = try Self.agent(server) { $0.responseLimit = 1 << 16 }
      defer { agent.close() }
      let error = #expect(throws: LabelServiceError.self) { try agent.label(Self.requests(1)) }
      #expect(error?.code == .tooLarge, "\(String(describing: error))")
    }
  }

  @Test(
    "garbage, a half answer and a redirect are errors; a redirect is not followed",
    arguments: [
      ("channel.sendall(b'what?')", [LabelServiceErrorCode.unreachable, .malformed]),
      ("channel.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 50\\r\\n\\r\\n{')", [.unreachable]),
      ("pass", [.unreachable]),
      (
        "channel.sendall(b'HTTP/1.1 307 Elsewhere\\r\\nLocation: http://127.0.0.1:9/\\r\\n'"
          + " b'Content-Length: 0\\r\\n\\r\\n')",
        [.refused]
      ),
    ])
  func broken(answer: String, codes: [LabelServiceErrorCode]) throws {
    let server = try Server.raw(answer)
    let agent = try Self.agent(server) { $0.attempts = 2 }
    defer { agent.close() }
    let error = #expect(throws: LabelServiceError.self) { try agent.label(Self.requests(1)) }
    #expect(error.map { codes.contains($0.code) } == true, "\(String(describing: error))")
  }

  @Test("a service that is down is an error that says so, and labels come once it is up")
  func down() throws {
    var server: Server? = try Server.standIn()
    let url = try #require(server?.url)
    server = nil
    let settings = ServiceSettings(
      url: url, deadline: .seconds(5), attempts: 2, firstWait: .milliseconds(5))
    let agent = try ServiceAgent("service", settings, schema: ServiceStub.schema, seed: 1)
    defer { agent.close() }
    let error = #expect(throws: LabelServiceError.self) { try agent.label(Self.requests(1)) }
    #expect(error?.code == .unreachable)
    let port = try #require(URL(string: url)?.port)
    let again = try Server.standIn(["--port", "\(port)"])
    #expect(try agent.label(Self.requests(5)).count == 5)
    _ = again.url
  }
}
