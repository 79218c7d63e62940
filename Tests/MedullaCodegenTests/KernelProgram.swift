import Foundation
import MedullaKernel
import MedullaSnapshot

@testable import MedullaCodegen

/// A generated program of any options, loaded into the kernel and asked by test run.
final class KernelProgram {
  private let object: BPFObject
  private let options: ProgramOptions
  private let shape: ProgramShape
  private let doneOffset: Int
  private let tensors: Tensors

  /// Where user space finds working memory.
  private enum Tensors {
    case map(MappedMap)
    case arena(UnsafeMutablePointer<Int64>)
  }

  /// The address at which the arena's program and this process meet.
  private static let arenaAddress: UInt = 1 << 44

  init(_ snapshot: Snapshot, _ options: ProgramOptions) throws {
    let header = try ProgramHeader(shape: snapshot.shape, options: options)
    let scratch = ScratchLayout(snapshot.shape).words
    let layout = snapshot.layout
    let imagePages = (layout.words * 8 + 4095) / 4096
    let flags = [
      "-DARENA_PAGES=\(imagePages + (scratch + 1) * 8 / 4096 + 1)", "-DARENA_SCRATCH=\(imagePages * 4096)",
      "-DCHUNK_WORDS=\(options.chunkWords)", "-DIN_\(options.weights.rawValue)=1",
      "-DBY_\(options.loops.rawValue)=1",
    ]
    let bytes = try BPFCompiler().object(
      source: "infer.bpf.c", files: ["shape.h": header.text, "infer.bpf.c": Self.source], options: flags)
    object = try BPFObject(bytes: bytes, name: "infer")
    try object.load()
    self.options = options
    shape = snapshot.shape
    doneOffset = scratch
    switch options.weights {
    case .mapValue:
      try object.loadedMap("images").set(words: snapshot.image, at: 0)
      tensors = .map(try MappedMap(object.loadedMap("scratches")))
    case .mapChunks:
      let chunks = try ChunkLayout(snapshot.shape, chunkWords: options.chunkWords)
      for (index, words) in chunks.chunks(of: snapshot.image).enumerated() {
        try object.loadedMap("images").set(words: words, at: UInt32(index))
      }
      tensors = .map(try MappedMap(object.loadedMap("scratches")))
    case .arena:
      // libbpf has mapped the arena at its address; writing there populates its pages.
      guard let base = UnsafeMutablePointer<Int64>(bitPattern: Self.arenaAddress) else {
        throw CodegenError(.beyondMemory, "an arena has an address", remedy: "")
      }
      for (index, word) in snapshot.image.enumerated() { base[index] = word }
      let words = base + imagePages * 512
      for index in 0...scratch { words[index] = 0 }
      tensors = .arena(words)
    }
  }

  /// The outputs, and whether the program says that they are complete; always, where it cannot end early.
  func run(_ features: [Int64], program: String = "infer") throws -> (outputs: [Int64], isComplete: Bool) {
    let outputs = ScratchLayout(shape).outputsOffset
    switch tensors {
    case .map(let map):
      map.store(words: features, at: 0)
      let result = try object.loadedProgram(program).testRun().result
      let done = !options.marksCompletion || map.words(at: doneOffset * 8, count: 1) == [1]
      return (map.words(at: outputs * 8, count: shape.outputs), done && result == 0)
    case .arena(let words):
      for (index, feature) in features.enumerated() { words[index] = feature }
      let result = try object.loadedProgram(program).testRun().result
      let done = !options.marksCompletion || words[doneOffset] == 1
      return ((0..<shape.outputs).map { words[outputs + $0] }, done && result == 0)
    }
  }

  var verifiedInstructions: Int {
    get throws { try object.loadedProgram("infer").facts().verifiedInstructions }
  }

  private static let source = """
    // SPDX-License-Identifier: GPL-2.0
    #include <linux/bpf.h>
    #include <bpf/bpf_helpers.h>

    char LICENSE[] SEC("license") = "GPL";

    #ifdef IN_arena
    struct {
    	__uint(type, 33); /* BPF_MAP_TYPE_ARENA */
    	__uint(map_flags, BPF_F_MMAPABLE);
    	__uint(max_entries, ARENA_PAGES);
    	__ulong(map_extra, 1ull << 44);
    } arena SEC(".maps");
    #endif
    #ifdef IN_mapChunks
    struct {
    	__uint(type, BPF_MAP_TYPE_ARRAY);
    	__uint(max_entries, 24);
    	__uint(key_size, 4);
    	__uint(value_size, CHUNK_WORDS * 8);
    } images SEC(".maps");

    #define MEDULLA_CHUNK(n) ({ \\
    	__u32 part_key = (n); \\
    	(const struct medulla_image *)bpf_map_lookup_elem(&images, &part_key); })
    #endif

    #include "shape.h"

    #ifdef IN_mapValue
    struct {
    	__uint(type, BPF_MAP_TYPE_ARRAY);
    	__uint(max_entries, 1);
    	__type(key, __u32);
    	__type(value, struct medulla_image);
    } images SEC(".maps");
    #endif
    #ifdef IN_arena
    /* Loaded, so that the verifier takes them for any address. */
    static volatile __u64 image_place = 1ull << 44;
    static volatile __u64 scratch_place = (1ull << 44) + ARENA_SCRATCH;

    static __always_inline int infer_once(void)
    {
    	asm volatile("" : : "r"(&arena));
    	medulla_infer((const struct medulla_image MEDULLA_MEMORY *)image_place,
    		      (struct medulla_scratch MEDULLA_MEMORY *)scratch_place);
    	return 0;
    }
    #else
    struct {
    	__uint(type, BPF_MAP_TYPE_ARRAY);
    	__uint(map_flags, BPF_F_MMAPABLE);
    	__uint(max_entries, 1);
    	__type(key, __u32);
    	__type(value, struct medulla_scratch);
    } scratches SEC(".maps");

    static __always_inline int infer_once(void)
    {
    	__u32 zero = 0;
    	const struct medulla_image *image = bpf_map_lookup_elem(&images, &zero);
    	struct medulla_scratch *scratch = bpf_map_lookup_elem(&scratches, &zero);

    	if (!image || !scratch)
    		return 1;
    	medulla_infer(image, scratch);
    	return 0;
    }
    #endif

    SEC("tc")
    int infer(struct __sk_buff *skb)
    {
    	return infer_once();
    }

    #ifdef BY_canLoop
    /* Comes to its inference when its time is over. */
    SEC("tc")
    int late(struct __sk_buff *skb)
    {
    	__u64 turns = MEDULLA_ZERO;

    	while (MEDULLA_CAN_LOOP) {
    		turns++;
    		asm volatile("" : "+r"(turns));
    	}
    	return infer_once();
    }
    #endif
    """
}
