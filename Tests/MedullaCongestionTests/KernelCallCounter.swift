import CLibBPF
import Glibc

@testable import MedullaKernel

/// Counts the bpf(2) calls of this process, by the kernel's own tracepoint of system calls.
final class KernelCallCounter {
  private let calls: BPFMap
  private let link: Descriptor

  init() throws {
    let object = try BPFObject(
      bytes: BPFCompiler().object(source: "calls.bpf.c", files: ["calls.bpf.c": Self.source]), name: "calls")
    try object.load()
    calls = try object.loadedMap("calls")
    let program = try object.loadedProgram("count")
    let number = withExtendedLifetime(program) {
      bpf_raw_tracepoint_open("sys_enter", program.descriptor.number)
    }
    guard number >= 0 else {
      throw KernelError.system("attach to the tracepoint of system calls", number: number)
    }
    link = Descriptor(owning: number)
  }

  /// How many calls `body` makes.
  func count(_ body: () throws -> Void) throws -> UInt64 {
    let mine: UInt32 = 1
    try calls.set(UInt64(getpid()), at: 0)
    try calls.set(UInt64(0), at: mine)
    try body()
    let counted = try calls.value(at: mine, as: UInt64.self)
    // The write of zero was made after the count had begun again; the read is the last one counted.
    return counted - 1
  }

  private static let source = """
    #include <linux/bpf.h>
    #include <asm/unistd.h>
    #include <bpf/bpf_helpers.h>

    struct {
      __uint(type, BPF_MAP_TYPE_ARRAY);
      __uint(max_entries, 2);
      __type(key, __u32);
      __type(value, __u64);
    } calls SEC(".maps");

    SEC("raw_tp/sys_enter")
    int count(struct bpf_raw_tracepoint_args *context)
    {
      __u32 watched = 0, counted = 1;
      __u64 *process = bpf_map_lookup_elem(&calls, &watched);
      __u64 *number = bpf_map_lookup_elem(&calls, &counted);
      if (process && number && context->args[1] == __NR_bpf && bpf_get_current_pid_tgid() >> 32 == *process)
        __sync_fetch_and_add(number, 1);
      return 0;
    }

    char _license[] SEC("license") = "GPL";
    """
}
