import Foundation
import TestbedLink

/// nginx at the server's end of a link, with files of given sizes.
package final class WebServer {
  package static let port = 8080
  private static let patience = Duration.seconds(10)

  private let process: ChildProcess
  private let scratch: ScratchDirectory

  /// Writes the files and starts nginx with nothing of the system's configuration.
  ///
  /// - Parameters:
  ///   - files: bytes by name.
  ///   - congestion: what the server's sockets send with.
  package init(files: [String: Int], congestion: String, over link: LinkEmulator) throws {
    scratch = try ScratchDirectory("web-\(UUID().uuidString)")
    let (directory, root) = (scratch.path(""), URL(fileURLWithPath: scratch.path("files")))
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    for (name, bytes) in files {
      guard (1...1 << 30).contains(bytes), !name.contains("/") else {
        throw TestbedError(
          .badParameter, "A file `\(name)` of \(bytes) bytes cannot be served.",
          remedy: "Use names without a slash and 1 byte to 1 GiB.")
      }
      try Data(repeating: 0x6d, count: bytes).write(to: root.appendingPathComponent(name))
    }
    // The workers must read the files, whoever they run as; they stay root here, in a namespace of their own.
    let configuration = """
      daemon off; master_process off; pid \(directory)/pid; error_log stderr warn; user root;
      events { worker_connections 4096; }
      http {
        access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
        client_body_temp_path \(directory)/body; proxy_temp_path \(directory)/proxy;
        fastcgi_temp_path \(directory)/fastcgi; uwsgi_temp_path \(directory)/uwsgi;
        scgi_temp_path \(directory)/scgi;
        server { listen \(Self.port) backlog=4096; root \(root.path); }
      }
      """
    let file = scratch.path("nginx.conf")
    try Data(configuration.utf8).write(to: URL(fileURLWithPath: file))
    // By the route, since a namespace may make only some congestion controls its default.
    try link.server.configure([
      "route", "replace", "\(LinkEmulator.Address.client)/32", "dev", LinkEmulator.device, "congctl",
      congestion,
    ])
    process = try link.server.start(["nginx", "-c", file, "-e", "stderr"], output: .discarded)
    let deadline = ContinuousClock.now + Self.patience
    while !process.listens(as: "nginx", port: Self.port) {
      guard process.isRunning, ContinuousClock.now < deadline else {
        let said =
          process.isRunning ? "it does not listen" : try process.finish(within: .seconds(1)).errorText
        stop()
        throw TestbedError(
          .processFailed, "nginx does not serve: \(said.prefix(300)).", remedy: "Is another one on the port?")
      }
      try Interruption.sleep(.milliseconds(10))
    }
  }

  deinit { stop() }

  /// Ends nginx; its files go with this object. Safe to call twice.
  package func stop() { process.end() }
}
