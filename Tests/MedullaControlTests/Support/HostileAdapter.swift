import Foundation

/// An adapter that tries, at its first batch, what it must not be able to do, and says what came of each try.
/// The rest of its life it behaves.
enum HostileAdapter {
  /// What it tries, by name.
  static let attempts = [
    "pins", "control socket", "lock", "state", "ptrace", "bpf", "network", "tasks", "memory", "signal",
    "other adapter", "write elsewhere", "mount", "namespace", "keys", "module", "io_uring", "session",
  ]

  /// What a process of root without capabilities cannot do either.
  static let needCapabilities: Set = ["ptrace", "bpf", "mount", "namespace", "module"]

  /// - Parameters:
  ///   - facts: what the tries need: paths, a port.
  static func hook(_ facts: [String: String]) throws -> String {
    let json = String(decoding: try JSONSerialization.data(withJSONObject: facts), as: UTF8.self)
    // Indented by what it stands under in the stand-in.
    return ("if kind == 'adapt' and count == 1:\n" + body(json)).replacingOccurrences(
      of: "\n", with: "\n    ")
  }

  private static func body(_ facts: String) -> String {
    let source = Data(program.utf8).base64EncodedString()
    return """
          import base64
          exec(base64.b64decode("\(source)").decode(), {"facts": json.loads('\(facts)')})
      """
  }

  private static let program = """
    import ctypes, errno, mmap, os, signal, socket, struct, time
    libc = ctypes.CDLL(None, use_errno=True)
    def call(number, *arguments):
        result = libc.syscall(ctypes.c_long(number), *arguments)
        if result < 0: raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
        return result
    def bpf(command, *parts):
        data = ctypes.create_string_buffer(struct.pack(*parts).ljust(128, b"\\0"), 128)
        return call(321, command, data, 128)
    for _ in range(200):
        if os.path.exists(facts["pid"]): break
        time.sleep(0.05)
    def daemon(): return int(open(facts["pid"]).read())
    def pins():
        path = ctypes.create_string_buffer(facts["pin"].encode())
        os.close(bpf(7, "=QII", ctypes.addressof(path), 0, 0))
    def control(): socket.socket(socket.AF_UNIX).connect(facts["socket"])
    def lock(): open(facts["lock"], "r+b").close()
    def state(): open(facts["state"], "r+b").close()
    def trace():
        call(101, ctypes.c_long(0x4206), ctypes.c_long(daemon()), ctypes.c_long(0), ctypes.c_long(0))
    def create(): os.close(bpf(0, "=IIII", 2, 4, 4, 1))
    def network(): socket.create_connection(("127.0.0.1", int(facts["port"])), 5).close()
    def tasks():
        children = []
        try:
            for _ in range(300):
                child = os.fork()
                if child == 0:
                    while True: time.sleep(10)
                children.append(child)
        finally:
            for child in children:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
    def memory():
        block = mmap.mmap(-1, 700 << 20)
        for at in range(0, len(block), 4096): block[at] = 1
        block.close()
    def tell(): os.kill(daemon(), signal.SIGWINCH)
    def other(): open(facts["other"]).read()
    def elsewhere(): open(facts["open"] + "/written", "w").close()
    def mount():
        if libc.mount(b"none", facts["open"].encode(), b"tmpfs", 0, None) < 0:
            raise OSError(ctypes.get_errno(), "mount")
        libc.umount2(facts["open"].encode(), 2)
    def namespace():
        child = os.fork()
        if child == 0: os._exit(0 if libc.unshare(0x20000) == 0 else ctypes.get_errno())
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status: raise OSError(status, "unshare")
    def keys(): call(250, 0, ctypes.c_long(-3), 1)
    def module():
        try: call(313, -1, b"", 0)
        except OSError as error:
            if error.errno != errno.EBADF: raise
    def ring(): os.close(call(425, 4, ctypes.create_string_buffer(120)))
    def session():
        child = os.fork()
        if child == 0:
            try: os.setsid()
            except OSError as error: os._exit(error.errno)
            os._exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if status: raise OSError(status, "setsid")
    tries = {
        "pins": pins, "control socket": control, "lock": lock, "state": state, "ptrace": trace, "bpf": create,
        "network": network, "tasks": tasks, "memory": memory, "signal": tell, "other adapter": other,
        "write elsewhere": elsewhere, "mount": mount, "namespace": namespace, "keys": keys, "module": module,
        "io_uring": ring, "session": session,
    }
    for name, attempt in tries.items():
        try:
            attempt()
            print(f"attempt {name}: succeeded", flush=True)
        except (OSError, MemoryError, PermissionError) as error:
            code = getattr(error, "errno", None)
            print(f"attempt {name}: refused by {errno.errorcode.get(code, code)}", flush=True)
    with open(os.environ["MEDULLA_ADAPTER_STATE"] + "/own", "w") as file: file.write("mine")
    print("attempts: all made", flush=True)
    """
}
