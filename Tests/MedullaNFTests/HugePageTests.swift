import DatapathCases
import Glibc
import MedullaNF
import Testing

@Suite(
  "Packet memory in huge pages", .serialized,
  .enabled(if: KernelTestHost.isUsable, KernelTestHost.reason))
struct HugePageTests {
  /// With some that other chains may take meanwhile, which prefer them.
  private static let pages = needed + 8
  private static let needed = 16
  /// So large that no machine of the tests has them free.
  private static let tooMany = 1 << 20

  private static func settings(frames: Int = needed * HugePagePool.pageBytes / 2_048) -> ChainSettings {
    var function = ChainFunction(name: "all")
    function.quota = 1_024
    return ChainCase.settings([function], entries: ["all"]) {
      $0.memory.frames = frames
      $0.memory.hugePages = .require
    }
  }

  @Test(
    "a chain that requires huge pages has them, and gives them back with its end",
    .enabled(if: HugePagePool.canHave(pages), "this machine has no memory free for 24 huge pages"))
  func required() throws {
    let size = HugePagePool.size
    do {
      let pool = try #require(HugePagePool(adding: Self.pages))
      let free = pool.free
      let chain = try ChainCase(Self.settings())
      let frames = try #require(chain.report?.frames)
      #expect(frames.isHuge && frames.bytes == Self.needed * HugePagePool.pageBytes)
      #expect(pool.free <= free - Self.needed)
      let function = FunctionThread(
        chain.path, "all", expecting: { TestFrame(number: $0) }, verdict: { _ in .release })
      #expect(chain.isPresent(["all"]))
      // Of all frames each is used, some twice, and never more than the quota at once.
      for round in 0..<50 {
        let numbers = round * 400..<(round + 1) * 400
        #expect(try chain.send(numbers.map { TestFrame(number: $0) }) == 400)
        #expect(chain.settled(sent: numbers.upperBound)?.delivered == UInt64(numbers.upperBound))
      }
      chain.stop()
      function.end()
      #expect(function.count == 20_000 && function.seen.allSatisfy(\.isWhole))
      #expect(eventually { pool.free >= free })
    }
    #expect(HugePagePool.size == size)
  }

  @Test("a chain that requires more huge pages than are free is refused, with the command that makes them")
  func refused() throws {
    // The largest memory of a chain: 1,048,576 frames.
    let settings = Self.settings(frames: Self.tooMany)
    let error = #expect(throws: NFError.self) { try ChainCase(settings) }
    #expect(error?.code == .resources && error?.message.contains("needs 1024 huge pages") == true)
    #expect(error?.remedy.contains("sysctl vm.nr_hugepages=1024") == true)
    #expect(error?.remedy.contains("huge_pages: prefer") == true)
  }
}
