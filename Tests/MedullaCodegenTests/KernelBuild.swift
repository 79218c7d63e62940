import Foundation
import MedullaSnapshot
import Testing

@testable import MedullaCodegen

/// Compiles the C of kernel programs: for eBPF, and to run it on this machine.
struct KernelBuild {
  static let clang: String? = {
    let paths = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let swift = paths.map { $0 + "/swift" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    let beside = swift.map {
      URL(fileURLWithPath: $0).resolvingSymlinksInPath().deletingLastPathComponent().path
    }
    return ([beside].compactMap { $0 } + paths).map { $0 + "/clang" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  let directory: URL

  init() throws {
    directory = FileManager.default.temporaryDirectory
      .appendingPathComponent("medulla-codegen-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  /// Runs `header`'s `medulla_infer` on every input; the image and inputs go through files.
  func outputs(header: String, snapshot: Snapshot, inputs: [[Int64]], options: [String]) throws -> [[Int64]] {
    try header.write(to: directory.appendingPathComponent("shape.h"), atomically: true, encoding: .utf8)
    try Self.main.write(to: directory.appendingPathComponent("main.c"), atomically: true, encoding: .utf8)
    try Self.bytes(snapshot.image).write(to: directory.appendingPathComponent("image"))
    try Self.bytes(inputs.flatMap { $0 }).write(to: directory.appendingPathComponent("inputs"))
    try Self.run(
      Self.clang ?? "", options + ["-Wall", "-Werror", "-Wno-unused-function", "main.c", "-o", "infer"],
      in: directory)
    try Self.run(directory.appendingPathComponent("infer").path, ["\(inputs.count)"], in: directory)
    let data = try Data(contentsOf: directory.appendingPathComponent("outputs"))
    let flat: [Int64] = data.withUnsafeBytes { Array($0.bindMemory(to: Int64.self)) }
    let width = snapshot.shape.outputs
    return stride(from: 0, to: flat.count, by: width).map { Array(flat[$0..<$0 + width]) }
  }

  /// Compiles `header` into an eBPF object; nothing is loaded.
  func compileForBPF(header: String) throws -> Data {
    try header.write(to: directory.appendingPathComponent("shape.h"), atomically: true, encoding: .utf8)
    try Self.program.write(to: directory.appendingPathComponent("t.bpf.c"), atomically: true, encoding: .utf8)
    #if arch(x86_64)
    let multiarch = "-I/usr/include/x86_64-linux-gnu"
    #else
    let multiarch = "-I/usr/include/aarch64-linux-gnu"
    #endif
    try Self.run(
      Self.clang ?? "",
      [
        "-target", "bpf", "-mcpu=v4", "-O2", "-g", "-Wall", "-Werror", multiarch, "-c", "t.bpf.c", "-o",
        "t.o",
      ],
      in: directory)
    return try Data(contentsOf: directory.appendingPathComponent("t.o"))
  }

  private static func bytes(_ words: [Int64]) -> Data { words.withUnsafeBytes { Data($0) } }

  private static func run(_ path: String, _ arguments: [String], in directory: URL) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    let log = directory.appendingPathComponent("log")
    try Data().write(to: log)
    let handle = try FileHandle(forWritingTo: log)
    process.standardError = handle
    process.standardOutput = handle
    try process.run()
    process.waitUntilExit()
    let text = try String(contentsOf: log, encoding: .utf8)
    try #require(process.terminationStatus == 0, "\(path) \(arguments.joined(separator: " ")): \(text)")
  }

  private static let main = """
    #include <stdio.h>
    #include <stdlib.h>
    #include "shape.h"

    static struct medulla_image image;
    static struct medulla_scratch scratch;

    int main(int argc, char **argv)
    {
    	FILE *file = fopen("image", "rb");
    	FILE *inputs = fopen("inputs", "rb");
    	FILE *outputs = fopen("outputs", "wb");
    	int count = argc > 1 ? atoi(argv[1]) : 0;

    	if (!file || !inputs || !outputs || fread(&image, sizeof(image), 1, file) != 1)
    		return 2;
    	for (int i = 0; i < count; i++) {
    		/* Garbage from the run before must not matter. */
    		for (int k = 0; k < MEDULLA_SCRATCH_WORDS; k++)
    			scratch.words[k] ^= 0x5555555555555555LL * i;
    		__s64 *features = scratch.words + MEDULLA_FEATURES_OFFSET;

    		if (fread(features, 8, MEDULLA_INPUTS, inputs) != MEDULLA_INPUTS)
    			return 3;
    		medulla_infer(&image, &scratch);
    		fwrite(scratch.words + MEDULLA_OUTPUTS_OFFSET, 8, MEDULLA_OUTPUTS, outputs);
    	}
    	return fclose(outputs);
    }
    """

  private static let program = """
    #include <linux/types.h>
    #include <linux/bpf.h>
    #include "shape.h"

    int run(const struct medulla_image *image, struct medulla_scratch *scratch)
    {
    	medulla_infer(image, scratch);
    	return (int)scratch->words[MEDULLA_OUTPUTS_OFFSET];
    }
    """
}
