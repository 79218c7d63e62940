import Foundation
import Glibc
import MedullaNF
import Testing

@Suite("What is wrong with a chain over DPDK")
struct DPDKErrorTests {
  @Test("a library that is missing, or is another, is told with what to do")
  func library() throws {
    let missing = #expect(throws: NFError.self) {
      try DPDKLibrary.installed(environment: [:], beside: "/nonexistent/bin/medulla")
    }
    #expect(
      missing?.code == .engine && missing?.cause.contains("/nonexistent/lib/libmedulla_dpdk.so") == true)
    #expect(missing?.remedy.contains("libdpdk-dev") == true)
    let named = #expect(throws: NFError.self) {
      try DPDKLibrary.installed(environment: ["MEDULLA_DPDK": "/nonexistent/a.so"])
    }
    #expect(named?.cause.contains("/nonexistent/a.so") == true)
    let other = #expect(throws: NFError.self) { try DPDKLibrary(path: "libc.so.6") }
    #expect(other?.message.contains("not this version's library") == true)
  }

  @Test("the kernel's engine takes no chain of DPDK's")
  func engines() throws {
    let path = "/tmp/medulla-nf-\(getpid())-engines"
    let error = #expect(throws: NFError.self) {
      try ChainHost(DPDKSettingsTests.chain { _, _ in }, object: [], path: path)
    }
    #expect(error?.code == .badSettings && error?.remedy.contains("medulla nf host") == true)
    #expect(access(path, F_OK) != 0)
  }

  private static let failures: [(words: [String], said: [String])] = [
    (["device:wire=net_nonsense0"], ["make the device net_nonsense0", "failed to parse device"]),
    (["device:wire=net_pcap0,rx_pcap=/nonexistent/in.pcap"], ["net_pcap0", "/nonexistent/in.pcap"]),
    (["device:wire=net_ring0", "eal:--nonsense"], ["start DPDK", "--nonsense", "dpdk.eal"]),
    (["device:wire=net_ring0", "eal:--no-huge", "eal:-m", "eal:1"], ["DPDK's pool", "memory"]),
  ]

  @Test(
    "what DPDK refuses is told in its own words, with what to do",
    .enabled(if: DPDKTestHost.isUsable, DPDKTestHost.reason), arguments: failures)
  func failed(_ words: [String], _ said: [String]) throws {
    let host = try DPDKHost(words + ["function:first,100,release", "every:first"])
    let error = #expect(throws: DPDKHost.Ended.self) { try host.report() }
    for part in said { #expect(error?.description.contains(part) == true, "\(error?.description ?? "")") }
    #expect(access(host.path, F_OK) != 0)
  }
}
