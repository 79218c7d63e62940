import DatapathCases
import Foundation
import Glibc
import Testing

@testable import MedullaAdaptation

@Suite("A process that is handed packets", .enabled(if: ProcessPeer.isPresent, "needs python3"))
struct ProcessPacketsTests {
  /// Answers with what is open, and with what each try to do more than to receive came to.
  private static let hooks = """
    import array, errno, fcntl
    def hook(request, tensors):
        if request["request"] != "freeze": return
        def is_open(number):
            try: os.fstat(number)
            except OSError: return False
            return True
        found = [f"open {[n for n in range(1024) if is_open(n)]}"]
        number = int(os.environ.get("MEDULLA_ADAPTER_PACKETS", "-1"))
        found.append(f"packets {number}")
        if number >= 0:
            raw = socket.socket(fileno=number)
            frame = b"\\xff" * 12 + b"\\x88\\xb5" + b"sent" * 12
            near, far = socket.socketpair()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [number]))]
            tries = {
                "write": lambda: os.write(number, frame),
                "writev": lambda: os.writev(number, [frame]),
                "pwritev": lambda: os.pwritev(number, [frame], 0),
                "send": lambda: raw.send(frame),
                "sendto": lambda: raw.sendto(frame, ("lo", 0)),
                "sendmsg": lambda: raw.sendmsg([frame]),
                "rights": lambda: near.sendmsg([b"x"], rights),
                "sendfile": lambda: os.sendfile(number, os.open("/etc/passwd", os.O_RDONLY), 0, 60),
                "dup": lambda: os.dup(number),
                "dup2": lambda: os.dup2(number, 9),
                "fcntl": lambda: fcntl.fcntl(number, fcntl.F_DUPFD, 20),
                "reopen": lambda: os.open(f"/proc/self/fd/{number}", os.O_RDWR),
                "promiscuous": lambda: raw.setsockopt(263, 1, struct.pack("iHH8s", 1, 1, 0, b"")),
                "interface": lambda: raw.bind(("lo", 3)),
                "ioctl": lambda: fcntl.ioctl(number, 0x8913, b"lo" + bytes(38)),
                "socket": lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0),
            }
            for name, act in tries.items():
                try:
                    act()
                    found.append(f"{name} done")
                except OSError as error:
                    found.append(f"{name} {errno.errorcode[error.errno]}")
            got = 0
            while got < 3: got += raw.recv(4096)[12:14] == b"\\x88\\xb6"
            found.append(f"received {got}")
            print("\\n".join(f"found {line}" for line in found), flush=True)
        send({"answer": "error", "id": request["id"], "message": "told", "traceback": "\\n".join(found)})
        return True
    """

  private static func lines(_ change: @escaping (inout ProcessSettings) -> Void) throws -> [String] {
    let adapter = try ProcessPeer.adapter(hooks, change: change)
    defer { adapter.close() }
    let failure = try #require(ProcessPeer.failure { _ = try adapter.freeze() })
    #expect(failure.code == .refused, "\(failure)")
    return failure.details.split(separator: "\n").map(String.init)
  }

  @Test("without packets nothing but the four descriptors is open")
  func none() throws {
    let lines = try Self.lines { $0.function = "bare-\(getpid())" }
    #expect(lines == ["open [0, 1, 2, 3]", "packets -1"])
  }

  @Test(
    "it receives by one further descriptor, and can neither send by it nor change it nor pass it on (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
  func receives() throws {
    let wire = try VethPair()
    let ended = DispatchSemaphore(value: 0)
    // It does not own the wire, which goes with this function.
    let sending = Thread { [weak wire] in
      defer { ended.signal() }
      // Before, while and after the process looks.
      for _ in 0..<200 where !Thread.current.isCancelled {
        _ = try? wire?.send(1, on: 0) { _ in
          [UInt8](repeating: 0xff, count: 12) + [0x88, 0xb6] + [UInt8](repeating: 7, count: 46)
        }
        usleep(50_000)
      }
    }
    sending.start()
    defer {
      sending.cancel()
      ended.wait()
    }
    let listener = try wire.listen()
    let lines = try wire.inside {
      try Self.lines {
        $0.function = "packets-\(getpid())"
        $0.packets = PacketSupply(of: VethPair.receiver)
      }
    }
    #expect(lines.prefix(2) == ["open [0, 1, 2, 3, 4]", "packets 4"])
    #expect(lines.last == "received 3", "\(lines)")
    let refused = lines.dropFirst(2).dropLast()
    #expect(refused.count == 16)
    for line in refused {
      let outcome = line.split(separator: " ").last
      #expect(outcome == "EPERM" || (line.hasPrefix("reopen") && outcome == "ENXIO"), "\(line)")
    }
    // Nothing that it tried has left: frames of ours come in here, and none of its kind.
    for _ in 0..<3 { #expect(listener.next().map { Array($0[12..<14]) } == [0x88, 0xb6]) }
  }

  @Test(
    "an interface that is not there is an error that says so, and is looked for again (kernel)",
    .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
  func missing() throws {
    let wire = try VethPair()
    try wire.inside {
      var settings = try ProcessPeer.settings()
      settings.function = "late-\(getpid())"
      settings.packets = PacketSupply(of: "med-late")
      settings.restart.limit = .max
      let adapter = try ProcessAdapter(settings, network: ProcessPeer.network(), log: ProcessPeer.quiet)
      defer { adapter.close() }
      for _ in 0..<6 {
        let failure = ProcessPeer.failure { _ = try adapter.freeze() }
        #expect("\(String(describing: failure))".contains("no interface med-late"))
        usleep(30_000)
      }
      try SlowLoopback.run(["ip", "-n", wire.name, "link", "add", "med-late", "type", "veth"])
      #expect(eventually { (try? adapter.freeze()) != nil })
    }
  }
}
