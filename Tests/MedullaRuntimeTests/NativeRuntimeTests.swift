import Foundation
import MedullaSnapshot
import Testing

@testable import MedullaCodegen
@testable import MedullaKernel
@testable import MedullaRuntime

@Suite("Native runtimes", .enabled(if: NativeRuntime.scalar.obstacle == nil, "clang is not installed"))
struct NativeRuntimeTests {
  @Test("snapshots of one shape share one compiled library as long as one of them is loaded")
  func shares() throws {
    let runtime = NativeRuntime(name: "test", summary: "", form: .plain, tuning: .scalar)
    let networks = try [1, 2].map { try TestNetworks.dense(seed: $0) }
    let shape = networks[0].snapshot.shape
    weak var before: NativeLibrary?
    do {
      let loaded = try networks.map(runtime.load)
      before = try runtime.library(of: shape)
      #expect(try runtime.library(of: shape) === before)
      withExtendedLifetime(loaded) {}
    }
    #expect(before == nil, "a library that nothing uses is closed")
    let other = try TestNetworks.dense(seed: 3, hidden: 7).snapshot.shape
    let (first, second) = (try runtime.library(of: shape), try runtime.library(of: other))
    #expect(first !== second)
  }

  @Test("a snapshot that is linked into a program answers as the interpreter does, in batches of every size")
  func linked() throws {
    let network = try TestNetworks.dense(seed: 4)
    let source = SnapshotSource(network.file)
    let path = try NativeCompiler(clang: .find()).sharedObject(
      source: SnapshotSource.sourceName, files: source.files, options: ["-O2"])
    defer { try? FileManager.default.removeItem(atPath: path) }
    let library = try #require(dlopen(path, RTLD_NOW | RTLD_LOCAL))
    defer { dlclose(library) }
    typealias Run =
      @convention(c) (UnsafeMutableRawPointer, UnsafePointer<Int64>, UnsafeMutablePointer<Int64>, Int) -> Void
    let run = unsafeBitCast(try #require(dlsym(library, "medulla_snapshot_run")), to: Run.self)
    let layout = NativeProgram(shape: network.snapshot.shape).layout
    let memory = UnsafeMutableRawPointer.allocate(byteCount: layout.memoryBytes, alignment: 8)
    defer { memory.deallocate() }
    let interpreter = ReferenceInterpreter(network.snapshot)
    for count in [0, 1, 2, layout.block - 1, layout.block, layout.block + 1, 3 * layout.block + 5] {
      let rows = TestNetworks.rows(count: count)
      var outputs = [Int64](repeating: -1, count: 2 * count)
      run(memory, rows.flatMap { $0 }, &outputs, count)
      #expect(outputs == rows.flatMap { interpreter.run(features: $0) }, "\(count) rows")
    }
  }

  @Test("the generated header is C++ too")
  func header() throws {
    let source = SnapshotSource(try TestNetworks.dense(seed: 4).file)
    let text = """
      #include "\(SnapshotSource.headerName)"
      int use(const int64_t *features) {
        medulla_memory memory;
        int64_t outputs[MEDULLA_SNAPSHOT_OUTPUTS];
        medulla_snapshot_run(&memory, features, outputs, 1);
        return outputs[0] != 0;
      }
      """
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("medulla-cc-\(UUID())")
    defer { try? FileManager.default.removeItem(at: folder) }
    try BPFCompiler.write([SnapshotSource.headerName: source.header, "use.cc": text], to: folder)
    let run = try ToolRun.run(
      ClangInstallation.find().path,
      ["-std=c++17", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "use.cc"],
      directory: folder.path)
    #expect(run.status == 0, "\(run.standardError)")
  }
}
