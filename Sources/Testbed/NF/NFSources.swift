/// The Python that studies of network functions run.
enum NFSources {
  static var seededModels: String { text(PackageResources.seeded_models_py) }
  static var torchStream: String { text(PackageResources.torch_stream_py) }
  static var staticInteger: String { text(PackageResources.static_int8_py) }
  static var fileTypes: String { text(PackageResources.file_types_py) }

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
