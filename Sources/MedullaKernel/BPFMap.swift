import CLibBPF
import Glibc

/// A map in the kernel, by its own descriptor.
package struct BPFMap: Sendable {
  let descriptor: Descriptor
  package let name: String
  package let identifier: UInt32
  package let type: bpf_map_type
  /// Bytes of one key.
  package let keySize: Int
  /// Bytes of one value; of one processor's value in a per-CPU map.
  package let valueSize: Int
  package let entryLimit: Int

  var isPerProcessor: Bool {
    type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH
      || type == BPF_MAP_TYPE_LRU_PERCPU_HASH
  }

  init(owning descriptor: Descriptor, described: String) throws(KernelError) {
    var info = bpf_map_info()
    var size = UInt32(MemoryLayout<bpf_map_info>.size)
    let status = bpf_map_get_info_by_fd(descriptor.number, &info, &size)
    guard status == 0 else { throw .system("read the description of map \(described)", number: status) }
    self.descriptor = descriptor
    name = withUnsafeBytes(of: info.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    identifier = info.id
    type = bpf_map_type(info.type)
    keySize = Int(info.key_size)
    valueSize = Int(info.value_size)
    entryLimit = Int(info.max_entries)
  }

  /// The map pinned at `path`.
  package init(pinned path: String) throws(KernelError) {
    let number = bpf_obj_get(path)
    guard number >= 0 else { throw .system("open pinned map \(path)", number: number) }
    try self.init(owning: Descriptor(owning: number), described: path)
  }

  /// A new map; its flags are the kernel's `BPF_F_…`.
  package init(
    creating type: bpf_map_type, name: String, keySize: Int, valueSize: Int, entries: Int, flags: UInt32 = 0
  ) throws(KernelError) {
    guard let key = UInt32(exactly: keySize), let value = UInt32(exactly: valueSize),
      let limit = UInt32(exactly: entries)
    else { throw KernelError(.invalid, "create map \(name): a size does not fit 32 bits") }
    let number = medulla_create_map(type, name, key, value, limit, flags)
    guard number >= 0 else { throw .system("create map \(name)", number: number) }
    try self.init(owning: Descriptor(owning: number), described: name)
  }

  /// A new array of one entry that holds `bytes`.
  package init(holding bytes: [UInt8], name: String) throws(KernelError) {
    try self.init(
      creating: BPF_MAP_TYPE_ARRAY, name: name, keySize: 4, valueSize: max(bytes.count, 1), entries: 1)
    if !bytes.isEmpty { try set(bytes: bytes, at: 0) }
  }

  package func pin(at path: String) throws(KernelError) {
    let status = bpf_obj_pin(descriptor.number, path)
    guard status == 0 else { throw .system("pin map \(name) at \(path)", number: status) }
  }

  /// The bytes of one entry; all processors' values one after the other in a per-CPU map.
  package func bytes(at key: UInt32) throws(KernelError) -> [UInt8] {
    try checkKey(UInt32.self)
    var value = [UInt8](repeating: 0, count: storedValueSize)
    var key = key
    let status = bpf_map_lookup_elem(descriptor.number, &key, &value)
    guard status == 0 else { throw .system("read entry \(key) of map \(name)", number: status) }
    return value
  }

  /// One entry as a trivial type whose size is the map's.
  package func value<Value: BitwiseCopyable>(at key: UInt32, as type: Value.Type) throws(KernelError) -> Value
  {
    try checkValue(Value.self)
    let bytes = try bytes(at: key)
    return bytes.withUnsafeBytes { $0.loadUnaligned(as: Value.self) }
  }

  /// Each processor's entry of a per-CPU map.
  package func valuesPerProcessor<Value: BitwiseCopyable>(
    at key: UInt32, as type: Value.Type
  ) throws(KernelError) -> [Value] {
    try checkValue(Value.self)
    let stride = paddedValueSize
    let bytes = try bytes(at: key)
    return bytes.withUnsafeBytes { raw in
      Swift.stride(from: 0, to: raw.count, by: stride).map {
        raw.loadUnaligned(fromByteOffset: $0, as: Value.self)
      }
    }
  }

  /// The first bytes of each value of a hash map, as a trivial type.
  ///
  /// An entry that stays while they are read is given once.
  package func values<Value: BitwiseCopyable>(beginningWith type: Value.Type) throws(KernelError) -> [Value] {
    guard valueSize >= MemoryLayout<Value>.size, entryLimit > 0 else {
      throw KernelError(.mismatch, "map \(name) has values of \(valueSize) bytes, smaller than \(Value.self)")
    }
    var keys = [UInt8](repeating: 0, count: keySize * entryLimit)
    var values = [UInt8](repeating: 0, count: paddedValueSize * entryLimit)
    var (count, position) = (UInt32(entryLimit), UInt32(0))
    let status = bpf_map_lookup_batch(
      descriptor.number, nil, &position, &keys, &values, &count, nil)
    // Not found: there are no more after these.
    guard status == 0 || status == -ENOENT else { throw .system("read map \(name)", number: status) }
    return values.withUnsafeBytes { raw in
      (0..<min(Int(count), entryLimit)).map {
        raw.loadUnaligned(fromByteOffset: $0 * paddedValueSize, as: Value.self)
      }
    }
  }

  package func set<Value: BitwiseCopyable>(_ value: Value, at key: UInt32) throws(KernelError) {
    try checkValue(Value.self)
    guard !isPerProcessor else {
      throw KernelError(.invalid, "write map \(name): one value does not say which processor's")
    }
    try write(withUnsafeBytes(of: value) { Array($0) }, at: key)
  }

  /// Writes one entry of a hash map.
  package func set<Key: BitwiseCopyable, Value: BitwiseCopyable>(
    _ value: Value, key: Key
  ) throws(KernelError) {
    try checkKey(Key.self)
    try checkValue(Value.self)
    guard !isPerProcessor else {
      throw KernelError(.invalid, "write map \(name): one value does not say which processor's")
    }
    var (key, value) = (key, value)
    let status = bpf_map_update_elem(descriptor.number, &key, &value, 0)
    guard status == 0 else { throw .system("write an entry of map \(name)", number: status) }
  }

  /// Fills one entry with zeros, for all processors in a per-CPU map.
  package func clear(at key: UInt32) throws(KernelError) {
    try write([UInt8](repeating: 0, count: storedValueSize), at: key)
  }

  /// Writes one entry's bytes, for all processors in a per-CPU map.
  package func set(bytes: [UInt8], at key: UInt32) throws(KernelError) {
    guard bytes.count == storedValueSize else {
      throw KernelError(
        .mismatch, "write entry \(key) of map \(name): \(bytes.count) bytes do not fill \(storedValueSize)")
    }
    try write(bytes, at: key)
  }

  /// Puts a program into an array of programs; the map holds it.
  package func set(_ program: BPFProgram, at key: UInt32) throws(KernelError) {
    try checkKey(UInt32.self)
    var key = key
    var number = program.descriptor.number
    let status = bpf_map_update_elem(descriptor.number, &key, &number, 0)
    guard status == 0 else { throw .system("put program \(program.name) into map \(name)", number: status) }
  }

  /// Takes one entry out; no error when there is none.
  package func remove(at key: UInt32) throws(KernelError) {
    try checkKey(UInt32.self)
    var key = key
    let status = bpf_map_delete_elem(descriptor.number, &key)
    guard status == 0 || status == -ENOENT else {
      throw .system("remove entry \(key) of map \(name)", number: status)
    }
  }

  private func write(_ bytes: [UInt8], at key: UInt32) throws(KernelError) {
    try checkKey(UInt32.self)
    var key = key
    let status = bpf_map_update_elem(descriptor.number, &key, bytes, 0)
    guard status == 0 else { throw .system("write entry \(key) of map \(name)", number: status) }
  }

  /// Writes 64-bit words, the map's whole value.
  package func set(words: [Int64], at key: UInt32) throws(KernelError) {
    guard words.count.multipliedReportingOverflow(by: 8) == (valueSize, false) else {
      throw KernelError(
        .mismatch, "write entry \(key) of map \(name): \(words.count) words do not fill \(valueSize) bytes")
    }
    try checkKey(UInt32.self)
    var key = key
    let status = words.withUnsafeBytes {
      bpf_map_update_elem(descriptor.number, &key, $0.baseAddress, 0)
    }
    guard status == 0 else { throw .system("write entry \(key) of map \(name)", number: status) }
  }

  /// The kernel rounds each processor's value up to 8 bytes.
  private var paddedValueSize: Int { (valueSize + 7) & ~7 }

  private var storedValueSize: Int {
    isPerProcessor ? paddedValueSize * max(Int(libbpf_num_possible_cpus()), 1) : valueSize
  }

  private func checkKey<Key>(_ type: Key.Type) throws(KernelError) {
    guard keySize == MemoryLayout<Key>.size else {
      throw KernelError(.mismatch, "map \(name) has keys of \(keySize) bytes, not \(MemoryLayout<Key>.size)")
    }
  }

  private func checkValue<Value>(_ type: Value.Type) throws(KernelError) {
    guard valueSize == MemoryLayout<Value>.size else {
      throw KernelError(
        .mismatch,
        "map \(name) has values of \(valueSize) bytes, \(Value.self) has \(MemoryLayout<Value>.size)",
        remedy: "the object in the kernel is of another version; detach and attach again")
    }
  }
}
