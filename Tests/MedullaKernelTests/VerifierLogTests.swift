import Foundation
import Testing

@testable import MedullaKernel

@Suite("verifier logs")
struct VerifierLogTests {
  static let refused = """
    libbpf: prog 'query': BPF program load failed: Permission denied
    libbpf: prog 'query': -- BEGIN PROG LOAD LOG --
    0: R1=ctx() R10=fp0
    ; int query(struct __sk_buff *skb) @ query.bpf.c:12
    0: (b7) r2 = 0                        ; R2_w=0
    ; return *value; @ query.bpf.c:14
    1: (79) r0 = *(u64 *)(r2 +0)
    R2 invalid mem access 'scalar'
    processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
    -- END PROG LOAD LOG --
    libbpf: prog 'query': failed to load: -13
    libbpf: failed to load object 'query'
    """

  @Test("the deciding line is the last line before the statistics that is not state, code or source")
  func decidingLine() {
    #expect(VerifierLog(Self.refused).decidingLine == "R2 invalid mem access 'scalar'")
  }

  /// As Linux 7.3 writes it.
  static let reported = """
    libbpf: prog 'classify': BPF program load failed: Permission denied
    libbpf: prog 'classify': -- BEGIN PROG LOAD LOG --
    0: R1=ctx() R10=fp0
    ; if (*(volatile int *)(long)skb->mark) return 0; @ bad.bpf.c:65
    1: (61) r2 = *(u32 *)(r1 +8)
    At:
      classify @ bad.bpf.c:65:6
      Source context:
          63 | int classify(struct __sk_buff *skb)
      >>> 65 |         if (*(volatile int *)(long)skb->mark) return 0;
             |         ^-- error: invalid dereference of R2 (an integer
             |             scalar)
          66 | ...

    Causal path:
      >>> 65 |         if (*(volatile int *)(long)skb->mark) return 0;
             |         ^-- update: R2 changed from uninitialized value to integer scalar

    Suggestion:
      Preserve a pointer-valued register where needed, or reload and revalidate the pointer after scalar
      arithmetic, helper calls, or other operations that can invalidate it.

    processed 3 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
    -- END PROG LOAD LOG --
    """

  @Test("of a report, the deciding line is the error at the source line, and not the suggestion at its end")
  func reported() {
    let log = VerifierLog(Self.reported)
    #expect(log.decidingLine == "invalid dereference of R2 (an integer scalar)")
    #expect(log.sourceLine == "if (*(volatile int *)(long)skb->mark) return 0; @ bad.bpf.c:65")
    #expect(log.processedInstructions == 3 && !log.refusesInstruction)
  }

  @Test("the source line is the one that the verifier was at")
  func sourceLine() {
    #expect(VerifierLog(Self.refused).sourceLine == "return *value; @ query.bpf.c:14")
  }

  @Test("the statistics give the number of instructions processed")
  func processed() {
    #expect(VerifierLog(Self.refused).processedInstructions == 2)
  }

  @Test("a program that is too large is decided by the limit's own line")
  func tooLarge() {
    let log = """
      12: (07) r1 += 1                      ; R1_w=scalar()
      BPF program is too large. Processed 1000001 insn
      processed 1000001 insns (limit 1000000) max_states_per_insn 4 total_states 9 peak_states 9 mark_read 1
      """
    #expect(VerifierLog(log).decidingLine == "BPF program is too large. Processed 1000001 insn")
  }

  @Test(
    "paths and precision marks do not hide the reason",
    arguments: [
      "from 5 to 9: R0=0", "mark_precise: frame0: last_idx 9", "9: R1=scalar()", "; x = y; @ a.c:1",
      "verification time 12 usec", "stack depth 8",
    ])
  func context(line: String) {
    #expect(
      VerifierLog("invalid access\n\(line)\nprocessed 9 insns (limit 1)").decidingLine == "invalid access")
  }

  @Test("an empty log has no deciding line", arguments: ["", "\n\n", "libbpf: nothing here\n"])
  func empty(text: String) {
    #expect(VerifierLog(text).decidingLine == nil)
    #expect(VerifierLog(text).processedInstructions == nil)
  }

  @Test("a refused load is a verifier error that quotes the line and the source")
  func loadError() {
    let error = BPFObject.loadError(name: "query", status: -13, log: Self.refused, keptAt: nil)
    #expect(error.code == .verifier)
    #expect(error.log == Self.refused)
    #expect(error.remedy.contains("MEDULLA_VERIFIER_LOG=FILE"))
    #expect(error.cause == "R2 invalid mem access 'scalar' (at `return *value; @ query.bpf.c:14`)")
  }

  @Test(
    "an instruction that the kernel does not know is no fault of the network's size",
    arguments: [
      "BPF_MOV uses reserved fields", "BPF_ALU uses reserved fields", "unknown opcode 91",
      "invalid BPF_LDX mode",
    ])
  func instruction(line: String) {
    let log = Self.refused.replacing("R2 invalid mem access 'scalar'", with: line)
    let error = BPFObject.loadError(
      name: "query", status: -22, log: log, keptAt: nil, kernel: KernelVersion(major: 6, minor: 1))
    #expect(error.code == .missingFeature)
    #expect(!error.remedy.contains("smaller"))
    #expect(error.remedy.contains("Linux 6.6 or newer") && error.remedy.contains("--kernel 6.1"))
  }

  @Test("what an old kernel's verifier refuses is said to be the kernel's age")
  func oldVerifier() {
    let error = BPFObject.loadError(
      name: "function", status: -13, log: Self.refused, keptAt: nil,
      kernel: KernelVersion(major: 6, minor: 1))
    #expect(error.code == .verifier)
    #expect(error.remedy.contains("6.6 or newer") && !error.remedy.contains("smaller"))
  }

  @Test("an argument that the kernel does not take says which kernel does, or what to try")
  func unknownToKernel() {
    let log = "libbpf: map 'congestion_ops': failed to create: Invalid argument(-22)\n"
    let old = BPFObject.loadError(
      name: "congestion", status: -22, log: log, kernel: KernelVersion(major: 6, minor: 1))
    #expect(old.code == .missingFeature)
    #expect(old.remedy.contains("this is Linux 6.1; 6.6 or newer"))
    let new = BPFObject.loadError(
      name: "congestion", status: -22, log: log, kernel: KernelVersion(major: 6, minor: 12))
    #expect(new.remedy.contains("medulla doctor"))
  }

  @Test("the whole log goes to the file that the environment names, in place of what was there")
  func kept() throws {
    let path = NSTemporaryDirectory() + "verifier-log-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    defer { try? FileManager.default.removeItem(atPath: path) }
    setenv(VerifierLog.keptPathVariable, path, 1)
    let chosen = VerifierLog.keptPath
    unsetenv(VerifierLog.keptPathVariable)
    #expect(chosen == path)
    for log in [Self.refused + String(repeating: "; more\n", count: 1_000), Self.refused] {
      let error = BPFObject.loadError(name: "query", status: -13, log: log, keptAt: chosen)
      #expect(error.remedy.contains(path))
      #expect(try String(contentsOfFile: path, encoding: .utf8) == log)
    }
  }

  @Test("a log that cannot be kept says why and leaves the verifier's reason")
  func notKept() {
    let error = BPFObject.loadError(
      name: "query", status: -13, log: Self.refused, keptAt: NSTemporaryDirectory())
    #expect(error.code == .verifier)
    #expect(error.cause.hasPrefix("R2 invalid mem access 'scalar'"))
    #expect(error.remedy.contains("could not be kept"))
  }

  @Test("a load that fails before the verifier is an error of its number and says libbpf's last line")
  func earlyError() {
    let error = BPFObject.loadError(name: "query", status: -1, log: "libbpf: map 'slots': failed to create\n")
    #expect(error.code == .permission)
    #expect(error.cause.contains("map 'slots': failed to create"))
  }
}
